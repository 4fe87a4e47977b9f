/** All scenarios, in the order in which they are told. */

import type { Scenario } from '../scenario.js';
import { timeoutIdle } from './timeout-idle.js';
import { timeoutZero } from './timeout-zero.js';

export const scenarios: readonly Scenario[] = [timeoutZero, timeoutIdle];
