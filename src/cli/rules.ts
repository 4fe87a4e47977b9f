/** `holdfast rules`: the rules of the diagnosis, a line each, or some of them in full. */
import { type Rule, rules } from '../story/index.js';
import { renderRule, renderRules } from '../view/index.js';
import type { Streams } from './command-context.js';
import { terminalStyle } from './terminal-style.js';

export interface RulesOptions {
  readonly json?: boolean;
  readonly columns?: number;
  readonly ascii?: boolean;
}

export function listRules(ids: readonly string[], options: RulesOptions, { output, screen, environment }: Streams): void {
  const chosen = ids.length === 0 ? rules : rules.filter(({ id }) => ids.includes(id));
  if (options.json === true) {
    output.line(JSON.stringify(chosen.map(plainRule), null, 2));
    return;
  }
  const style = terminalStyle(options, screen, environment);
  const lines =
    ids.length === 0
      ? renderRules(chosen, style)
      : chosen.flatMap((rule, index) => [...(index === 0 ? [] : ['']), ...renderRule(rule, style)]);
  for (const line of lines) output.line(line);
}

/** A rule without its patterns. */
const plainRule = ({ id, level, confidence, owner, title, prose, notToConfuseWith, fixes, noFix }: Rule): object => ({
  id,
  level,
  confidence,
  owner,
  title,
  prose,
  notToConfuseWith,
  fixes,
  ...(noFix === undefined ? {} : { noFix }),
});
