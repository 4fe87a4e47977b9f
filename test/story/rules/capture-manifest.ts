/** Every capture that rules are tested with. */
import type { Case } from './capture-case.js';
import { closing } from './captures-closing.js';
import { network } from './captures-network.js';
import { pools } from './captures-pools.js';
import { waiting } from './captures-waiting.js';

export const cases: readonly Case[] = [...closing, ...network, ...pools, ...waiting];
