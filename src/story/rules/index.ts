/**
 * All rules. The order matters twice: a lost request belongs to the first rule that claims it, and among findings of the same
 * weight the rule named first comes first.
 */
import type { Rule } from '../diagnosis-rule.js';
import { slowServer } from './slow-server.js';
import { staleReuse } from './stale-reuse.js';
import { timeoutInferred } from './timeout-inferred.js';

export const rules: readonly Rule[] = [staleReuse, slowServer, timeoutInferred];
