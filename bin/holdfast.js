#!/usr/bin/env node
// Two settings of the heap, before anything is allocated: a smaller young generation and an old one that is collected sooner.
// Captures of any size are then explained in less memory. They limit nothing: a capture that needs more gets more.
import { setFlagsFromString } from 'node:v8';

setFlagsFromString('--max-semi-space-size=4');
setFlagsFromString('--heap-growing-percent=25');
await import('../dist/cli/main.js');
