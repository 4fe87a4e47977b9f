/** What bin/holdfast.js starts. The process ends when its streams have drained, not before. */
import { run } from './program.js';

process.exitCode = await run(process.argv.slice(2));
