/**
 * What every server of the lab serves, so that a scenario asks the same of all of them. Static things are the same bytes everywhere;
 * what needs a program (`/wait`) has only servers that run one.
 */

export interface Resource {
  readonly type: string;
  readonly body: string;
}

const scriptCount = 10;
export const scriptPaths: readonly string[] = Array.from({ length: scriptCount }, (_, index) => `/script-${index + 1}.js`);

/** Small enough that ten of them fit into the first flight of a connection: ten segments (RFC 6928). */
const script = (path: string): string => `// ${path}\n${`console.log('${path} says hello');\n`.repeat(16)}`;
const page = `<!doctype html><title>A page with ten scripts</title>\n${scriptPaths.map((path) => `<script src="${path}"></script>`).join('\n')}\n`;

/** Path → what is there. Everything else is 404. A query only names who asks. */
export const site: Readonly<Record<string, Resource>> = {
  '/': { type: 'text/plain', body: 'hello\n' },
  '/page.html': { type: 'text/html', body: page },
  '/large': { type: 'text/plain', body: 'a line of a large answer, which fills many packets\n'.repeat(4000) },
  '/orders': { type: 'text/plain', body: 'taken\n' },
  ...Object.fromEntries(scriptPaths.map((path) => [path, { type: 'text/javascript', body: script(path) }])),
};

/** `/wait?ms=600`: how long the answer takes; null when it is another path. */
export function waitOf(target: string): number | null {
  const ms = /^\/wait\?ms=(\d+)$/.exec(target)?.[1];
  return ms === undefined ? null : Number(ms);
}

/** What is at a request's target, or undefined. */
export const resourceAt = (target: string): Resource | undefined => site[target.split('?', 1)[0]!];
