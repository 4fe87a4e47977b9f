/** The engine's own server as a server of the lab. */

import { serve } from '../../engine/index.js';
import type { ServerKind } from './server-main.js';
import { resourceAt, waitOf } from './site.js';

export const holdfastServer: ServerKind = {
  start: async ({ address, port, settings }) => {
    const { idleTimeoutMs, maxRequests, hint, probes, lingerMs } = settings;
    await serve(
      {
        host: address,
        port,
        idleTimeoutMs: idleTimeoutMs ?? Number.POSITIVE_INFINITY,
        // The hint is in whole seconds: what is shorter than a second has room for no margin.
        idleHintMarginMs: Math.min(1000, (idleTimeoutMs ?? 0) / 4),
        maxRequestsPerConnection: maxRequests ?? Number.POSITIVE_INFINITY,
        keepAliveHint: hint ? 'always' : 'never',
        tcpKeepAlive: probes,
        lingerTimeoutMs: lingerMs,
        serverName: 'holdfast',
      },
      (request, response) => {
        const ms = waitOf(request.target);
        const resource = resourceAt(request.target);
        if (ms !== null) setTimeout(() => response.end('thank you for waiting\n'), ms);
        else if (resource === undefined) {
          response.status = 404;
          response.end();
        } else {
          response.field('Content-Type', resource.type);
          response.end(resource.body);
        }
      },
    );
  },
};
