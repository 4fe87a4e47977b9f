/** What bin/holdfast.js starts. The process ends when its streams have drained, not before. */
import { startAhead } from './capture-worker.js';

const words = process.argv.slice(2);
startAhead(words);
const { run } = await import('./program.js');
process.exitCode = await run(words);
