import { maximumRequests } from '../diagnosis-inference.js';
import type { Rule } from '../diagnosis-rule.js';
import { counted } from '../diagnosis-words.js';
import { fixesFor } from '../fixes.js';

export const maxRequests: Rule = {
  id: 'max-requests',
  level: 'info',
  confidence: 'high',
  owner: 'server',
  title: 'The server closes each connection after a constant number of requests',
  prose:
    'After the same number of answers each time the server closed the connection: it has a maximum of requests per connection. When the ' +
    'last answer says “Connection: close”, nothing can go wrong; the cost is a new handshake now and then. When it says nothing, the ' +
    'client may send its next request into the close, and lose it.',
  notToConfuseWith: 'A limit on the age of a connection (age-limit), and servers that close after every single answer (churn).',
  fixes: [
    {
      for: 'nginx server',
      setting: 'keepalive_requests 1000;',
      why: 'the default since 1.19.10; older versions close after 100',
    },
    { for: 'Apache httpd', setting: 'MaxKeepAliveRequests 1000', why: 'its default is 100; 0 means no limit' },
    { for: 'Tomcat', setting: '<Connector maxKeepAliveRequests="1000" …/>', why: 'its default is 100' },
    { for: 'Node.js server', setting: 'server.maxRequestsPerSocket = 0', why: '0 means no limit' },
  ],
  onServer: (server) => {
    const found = maximumRequests(server);
    if (found === null) return null;
    const { requests, count, announced } = found;
    if (!announced && count < 3) return null;
    const { connections = [], packets = [] } = server.requestsAtClose.get(requests) ?? {};
    return {
      fixes: () => fixesFor(maxRequests.fixes, server.software),
      level: announced ? 'info' : 'warning',
      confidence: count >= 3 ? 'high' : 'medium',
      count,
      connections,
      packets,
      text: () =>
        `It closed ${counted(count, 'connection')} behind request number ${requests}, ${announced ? 'announced with Connection: close' : 'without announcing it'}.`,
    };
  },
  sum: () => '',
};
