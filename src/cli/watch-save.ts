/** Files that a live screen writes: in the working directory, with a name of their own, never over another. */
import { writeFile } from 'node:fs/promises';

/** `holdfast-watch-20261121-034655.txt`, in UTC. */
export function savePath(extension: 'txt' | 'pcapng', now = new Date()): string {
  const stamp = now
    .toISOString()
    .replace(/[-:]|\..*/g, '')
    .replace('T', '-');
  return `holdfast-watch-${stamp}.${extension}`;
}

export async function saveLines(path: string, lines: readonly string[]): Promise<string> {
  await writeFile(
    path,
    `${lines
      .map((line) => line.trimEnd())
      .join('\n')
      .trimEnd()}\n`,
    { flag: 'wx' },
  );
  return `written to ${path}`;
}
