/** Every conversation that rules are tested with. */
import { closingCases } from './closing-cases.js';
import { endedWaitCases } from './ended-wait-cases.js';
import { lostRequestCases } from './lost-request-cases.js';
import { networkCases } from './network-cases.js';
import { poolCases } from './pool-cases.js';
import type { RuleCase } from './rule-case.js';
import { slowCases } from './slow-cases.js';
import { timeoutCases } from './timeout-cases.js';

export const cases: readonly RuleCase[] = [
  ...lostRequestCases,
  ...endedWaitCases,
  ...timeoutCases,
  ...closingCases,
  ...networkCases,
  ...poolCases,
  ...slowCases,
];
