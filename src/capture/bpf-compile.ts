/**
 * Compiles a filter expression in the language of tcpdump (pcap-filter(7)) to classic BPF, for the kernel's filter of a packet
 * socket or for `runFilter`. What it does not know, it says, so that tcpdump can be asked.
 *
 *     text ─ tokens ─ expression ─ condition ─ decision graph ─ program
 *                     (parser)     (generator)  (shortened)     (assembler)
 */
import { assemble } from './bpf-assembler.js';
import { decisionGraphOf } from './bpf-decision-graph.js';
import { conditionOf } from './bpf-generator.js';
import type { BpfInstruction } from './bpf-instruction.js';
import { type FilterLink, linkLayoutOf } from './bpf-link-layout.js';
import { parseFilterExpression } from './bpf-parser.js';
import { FilterRefusal } from './bpf-refusal.js';

export type CompiledFilter =
  | { readonly ok: true; readonly program: readonly BpfInstruction[] }
  | {
      readonly ok: false;
      /** `unsupported`: tcpdump may know it. `wrong`: a mistake, and tcpdump would say so too. */
      readonly kind: 'unsupported' | 'wrong';
      /** One clause, without a full stop. */
      readonly why: string;
      /** Characters of the expression before the place. */
      readonly position: number;
    };

/**
 * @param expression as for tcpdump; an empty one keeps everything
 * @param link the number of a link type (https://www.tcpdump.org/linktypes.html), or `cooked` for a packet socket of type SOCK_DGRAM
 */
export function compileFilter(expression: string, link: FilterLink): CompiledFilter {
  const layout = linkLayoutOf(link);
  if (layout === null) return { ok: false, kind: 'unsupported', why: `link type ${link} is not known here`, position: 0 };
  try {
    const condition = conditionOf(parseFilterExpression(expression), layout);
    return { ok: true, program: assemble(decisionGraphOf(condition)) };
  } catch (error) {
    if (!(error instanceof FilterRefusal)) throw error;
    return { ok: false, kind: error.kind, why: error.message, position: error.position };
  }
}
