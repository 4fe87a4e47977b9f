/**
 * Settings that more than one rule recommends, per product, with the names that the products use. The numbers are examples
 * that fit each other: a server that keeps idle connections for 65 s behind a client or proxy that lets go after less.
 */
import type { Fix } from './model.js';

/** How the Server and User-Agent fields name the products of the fixes below. Node.js names itself in neither by default. */
const productNames: readonly (readonly [product: RegExp, named: RegExp])[] = [
  [/^nginx/, /^(nginx|openresty|tengine)/i],
  [/^Apache httpd/, /^apache(?!-(httpclient|coyote))/i],
  [/^gunicorn/, /^gunicorn/i],
  [/^uvicorn/, /^uvicorn/i],
  [/^Tomcat/, /^apache-coyote|tomcat/i],
  [/^Puma/, /^puma/i],
  [/^Envoy|^Istio/, /^(istio-)?envoy/i],
  [/^Node\.js/, /^(express|node(js)?)\b/i],
  [/^undici/, /^(undici|node)$/i],
  [/^Go/, /^go-http-client/i],
  [/^reactor-netty/, /^reactornetty/i],
  [/^OkHttp/, /^okhttp/i],
  [/^Apache HttpClient/, /^apache-httpclient/i],
  [/^aiohttp/, /aiohttp/i],
  [/^Python requests/, /^python-requests/i],
  [/^Java/, /^java/i],
  [/^PHP/, /^php|guzzle/i],
  [/^ApacheBench/, /^apachebench/i],
];

/** The same fixes, those for software of this name (as a Server or User-Agent field gives it) first. */
export function fixesFor(fixes: readonly Fix[], software: string | null): readonly Fix[] {
  if (software === null) return fixes;
  const products = productNames.filter(([, named]) => named.test(software)).map(([product]) => product);
  const fits = (fix: Fix): boolean => products.some((product) => product.test(fix.for));
  return [...fixes.filter(fits), ...fixes.filter((fix) => !fits(fix))];
}

/** The server keeps idle connections longer than whoever sends requests into them. */
export const keepIdleLonger: readonly Fix[] = [
  {
    for: 'the server',
    setting: 'an idle (keep-alive) timeout longer than that of whoever sends it requests, e.g. 65 s',
    why: 'whoever reuses a connection must be the first to let go of it',
  },
  {
    for: 'Node.js server',
    setting: 'server.keepAliveTimeout = 65_000; server.headersTimeout = 66_000',
    why: 'Node closes idle connections after 5 s, earlier than most clients and balancers stop using them',
  },
  {
    for: 'nginx server',
    setting: 'keepalive_timeout 65s;',
    why: 'must be longer than the idle timeout of whoever sits in front of it',
  },
  { for: 'Apache httpd', setting: 'KeepAliveTimeout 65', why: 'its default is 5 s' },
  {
    for: 'gunicorn',
    setting: '--keep-alive 65',
    why: 'its default is 2 s, and only threaded and async workers keep connections',
  },
  { for: 'uvicorn', setting: '--timeout-keep-alive 65', why: 'its default is 5 s' },
  { for: 'Tomcat', setting: '<Connector keepAliveTimeout="65000" …/>', why: 'its default is connectionTimeout, 20 s as shipped' },
  { for: 'Go net/http server', setting: 'http.Server{IdleTimeout: 65 * time.Second}', why: 'without it ReadTimeout applies' },
  { for: 'Puma', setting: 'persistent_timeout 65', why: 'older versions close after 20 s' },
];

/** The client lets go of idle connections before the server does. */
export const letGoEarlier: readonly Fix[] = [
  {
    for: 'the client',
    setting: 'an idle limit of its pool shorter than the server’s idle timeout, by a second or more',
    why: 'whoever reuses a connection must be the first to let go of it',
  },
  { for: 'Go net/http client', setting: 'http.Transport{IdleConnTimeout: 4 * time.Second}', why: 'its default is 90 s' },
  { for: 'undici', setting: 'new Agent({ keepAliveTimeout: 4_000 })', why: 'below the idle timeout of the server' },
  { for: 'agentkeepalive', setting: 'freeSocketTimeout: 4_000', why: 'below the idle timeout of the server' },
  { for: 'nginx as proxy', setting: 'upstream { … keepalive_timeout 4s; }', why: 'its default to upstreams is 60 s' },
  { for: 'Envoy', setting: 'common_http_protocol_options: { idle_timeout: 4s }', why: 'its default to upstreams is 1 h' },
  { for: 'Istio', setting: 'DestinationRule: connectionPool.http.idleTimeout: 4s', why: 'its default to upstreams is 1 h' },
  {
    for: 'reactor-netty',
    setting: 'ConnectionProvider.builder("pool").maxIdleTime(Duration.ofSeconds(4))',
    why: 'it has no idle limit by default',
  },
  {
    for: '.NET HttpClient',
    setting: 'new SocketsHttpHandler { PooledConnectionIdleTimeout = TimeSpan.FromSeconds(4) }',
    why: 'its default is 60 s (120 s before .NET 6)',
  },
  { for: 'OkHttp', setting: 'new ConnectionPool(5, 4, TimeUnit.SECONDS)', why: 'its default is 5 minutes' },
];

/** Requests go through kept connections. */
export const reuseConnections: readonly Fix[] = [
  {
    for: 'Node.js client',
    setting: 'new http.Agent({ keepAlive: true }), one for all requests',
    why: 'a new Agent does not keep connections',
  },
  {
    for: 'undici, fetch',
    setting: 'one Agent or Pool for the life of the process',
    why: 'each Agent has connections of its own',
  },
  {
    for: 'Go net/http client',
    setting: 'one http.Client for the life of the process',
    why: 'each Transport has a pool of its own',
  },
  {
    for: 'Python requests',
    setting: 'requests.Session(), one for all requests',
    why: 'requests.get opens a new connection each time',
  },
  {
    for: 'Java HttpClient',
    setting: 'HttpClient.newHttpClient(), one for all requests',
    why: 'each client has a pool of its own',
  },
  {
    for: 'nginx as proxy',
    setting: 'upstream { … keepalive 32; }  proxy_http_version 1.1; proxy_set_header Connection "";',
    why: 'before 1.29.7 it speaks HTTP/1.0 with Connection: close to its upstreams',
  },
  {
    for: 'PHP curl',
    setting: 'one handle with curl_setopt for all requests',
    why: 'curl_init makes a handle without connections',
  },
];

/** TCP keeps the path alive through boxes that forget. */
export const keepPathAlive: readonly Fix[] = [
  {
    for: 'the client’s pool',
    setting: 'idle limit below the box’s timeout (e.g. 200 s for 240 s or 350 s)',
    why: 'a connection that is closed in time is not forgotten in use',
  },
  { for: 'Linux', setting: 'net.ipv4.tcp_keepalive_time = 120', why: 'its default of 7200 s is longer than any NAT remembers' },
  { for: 'Node.js', setting: 'socket.setKeepAlive(true, 120_000)', why: 'sockets send no TCP keep-alive probes unless asked to' },
  { for: 'Go', setting: 'net.Dialer{KeepAlive: 15 * time.Second}', why: 'the default of 15 s is right: do not turn it off' },
  { for: 'nginx', setting: 'listen 80 so_keepalive=2m:10s:6;', why: 'the same from the server’s side' },
];

/** A server drains before it stops. */
export const drainBeforeStop: readonly Fix[] = [
  {
    for: 'Kubernetes',
    setting: 'lifecycle: { preStop: { sleep: { seconds: 10 } } }',
    why: 'the endpoints are taken out of balancing before the process gets its signal',
  },
  {
    for: 'Node.js server',
    setting: 'server.close(); server.closeIdleConnections()',
    why: 'finishes what is in work and closes what is idle',
  },
  { for: 'Go net/http server', setting: 'server.Shutdown(ctx)', why: 'waits for requests in work, closes idle connections' },
  { for: 'nginx', setting: 'nginx -s quit', why: 'finishes what is in work; -s stop does not' },
  { for: 'gunicorn', setting: '--graceful-timeout 30', why: 'time for requests in work' },
];
