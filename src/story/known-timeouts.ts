/**
 * Idle timeouts that common software and boxes have by default: what a measured value may be the default of. A hint for a
 * person, never evidence: many things close after 60 s.
 *
 * Sources are the products' own documentation and source code at the versions named; where a version differs, both are there.
 */

export interface KnownTimeout {
  readonly seconds: number;
  readonly name: string;
  /** Who would show it: a server or proxy that closes, a client's pool, or a box in between that forgets. */
  readonly kind: 'server' | 'client' | 'middlebox';
  /** It passes on what the server behind it says it is. */
  readonly relays?: true;
}

const knownTimeouts: readonly KnownTimeout[] = [
  { seconds: 2, name: 'gunicorn', kind: 'server' },
  { seconds: 5, name: 'Node.js', kind: 'server' },
  { seconds: 5, name: 'Apache httpd', kind: 'server' },
  { seconds: 5, name: 'uvicorn', kind: 'server' },
  { seconds: 5, name: 'Varnish', kind: 'server', relays: true },
  // Set to 5 s and announced so, with a second of grace.
  { seconds: 6, name: 'Node.js', kind: 'server' },
  // Set to 5 s, and looked at once a second.
  { seconds: 6, name: 'lighttpd', kind: 'server' },
  { seconds: 10, name: 'uWebSockets', kind: 'server' },
  { seconds: 20, name: 'Tomcat (server.xml as shipped)', kind: 'server' },
  { seconds: 20, name: 'Puma before 7', kind: 'server' },
  { seconds: 60, name: 'Tomcat', kind: 'server' },
  { seconds: 60, name: 'AWS ALB', kind: 'server', relays: true },
  { seconds: 65, name: 'Puma', kind: 'server' },
  { seconds: 72, name: 'Fastify', kind: 'server' },
  { seconds: 75, name: 'nginx', kind: 'server' },
  { seconds: 130, name: 'Kestrel', kind: 'server' },
  { seconds: 180, name: 'Traefik', kind: 'server', relays: true },
  { seconds: 300, name: 'Caddy', kind: 'server' },
  { seconds: 400, name: 'Cloudflare', kind: 'server' },
  { seconds: 610, name: 'Google Cloud load balancer', kind: 'server', relays: true },
  { seconds: 2, name: 'Ruby Net::HTTP', kind: 'client' },
  { seconds: 4, name: 'undici', kind: 'client' },
  { seconds: 4, name: 'agentkeepalive', kind: 'client' },
  { seconds: 5, name: 'Node.js global agent', kind: 'client' },
  { seconds: 5, name: 'httpx', kind: 'client' },
  { seconds: 10, name: 'Chromium (unused connection)', kind: 'client' },
  { seconds: 15, name: 'aiohttp', kind: 'client' },
  { seconds: 60, name: '.NET HttpClient', kind: 'client' },
  { seconds: 60, name: 'nginx upstream', kind: 'client' },
  { seconds: 90, name: 'Go net/http', kind: 'client' },
  { seconds: 90, name: 'reqwest', kind: 'client' },
  { seconds: 115, name: 'Firefox', kind: 'client' },
  { seconds: 118, name: 'curl', kind: 'client' },
  { seconds: 120, name: 'Caddy upstream', kind: 'client' },
  { seconds: 180, name: 'Apache HttpClient 5', kind: 'client' },
  { seconds: 300, name: 'OkHttp', kind: 'client' },
  { seconds: 300, name: 'Chromium', kind: 'client' },
  { seconds: 600, name: 'Google Cloud load balancer (to its backends)', kind: 'client' },
  { seconds: 3600, name: 'Envoy upstream', kind: 'client' },
  { seconds: 240, name: 'Azure Load Balancer or NAT', kind: 'middlebox' },
  { seconds: 350, name: 'AWS NAT gateway or Network Load Balancer', kind: 'middlebox' },
  { seconds: 900, name: 'Linux IPVS (kube-proxy)', kind: 'middlebox' },
  { seconds: 1200, name: 'Google Cloud NAT', kind: 'middlebox' },
];

/** How far a measured value may be from a default, as a share of it. */
const tolerance = 0.025;

/** The names whose default a value in ns may be. `software`: what it says it is; null when it says nothing. */
export function knownBy(ns: number, kind: KnownTimeout['kind'], software: string | null): string[] {
  return knownTimeouts
    .filter((known) => known.kind === kind && Math.abs(ns / 1e9 - known.seconds) <= tolerance * known.seconds)
    .filter(({ name, relays }) => software === null || relays || isNamedIn(name, software))
    .map(({ name }) => name);
}

/** `nginx` in `nginx/1.24.0`, `Apache httpd` in `Apache/2.4.57 (Debian)`. */
const isNamedIn = (name: string, software: string): boolean =>
  software.toLowerCase().includes(name.split(/[ .]/)[0]!.toLowerCase());

/**
 * The boxes that would have forgotten a connection after this idle time. The one with the longest timeout below it is named:
 * a shorter one would have struck earlier.
 */
export function forgottenBy(idleNs: number): KnownTimeout | null {
  let best: KnownTimeout | null = null;
  for (const known of knownTimeouts) {
    if (known.kind !== 'middlebox' || idleNs < known.seconds * 1e9 * (1 - tolerance)) continue;
    if (best === null || known.seconds > best.seconds) best = known;
  }
  return best;
}
