/**
 * The chain of `explain` without its printing, with the rules or without them, for the bench to time:
 *
 *     node .test-out/bench/explain-chain.js FILE [--rules]
 */
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';

// As bin/holdfast.js and src/cli/main.ts begin.
setFlagsFromString('--max-semi-space-size=2');
setFlagsFromString('--heap-growing-percent=25');
const { positionals, values } = parseArgs({ allowPositionals: true, options: { rules: { type: 'boolean', default: false } } });
const { startAhead } = await import('#dist/cli/capture-worker.js');
startAhead(['explain', ...positionals]);
const { Diagnosis, Story } = await import('holdfast/story');
const { Overview } = await import('holdfast/view');
const { openCapture } = await import('#dist/cli/read-capture.js');

const overview = new Overview();
const diagnosis = values.rules ? new Diagnosis() : null;
const story = new Story({
  onConnection: (connection) => {
    overview.add(connection);
    diagnosis?.take(connection);
  },
});
const capture = await openCapture(positionals[0]!, { observe: story.observe, onChunk: () => undefined });
while (await capture.next());
capture.end();
story.end();
await capture.close();
const findings = diagnosis?.findings();
diagnosis?.verdict(findings);
console.log(`${overview.totals.connections} connections, ${findings?.length ?? 'no'} findings`);
