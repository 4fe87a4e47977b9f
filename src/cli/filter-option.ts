/** `--filter`: a display filter, and what is said when it is none. */
import { type ConnectionPredicate, FilterError, parseFilter } from '../story/index.js';
import { escapeName } from '../view/index.js';
import { CommandFailure } from './failure.js';

/** The filter, a mark under the place where it goes wrong, and what to write instead. */
export function readFilter(filter: string): ConnectionPredicate {
  try {
    return parseFilter(filter);
  } catch (error) {
    if (!(error instanceof FilterError)) throw error;
    const { message, position, hint } = error;
    const place = /^[ -~]*$/.test(filter) ? `\n  ${filter}\n  ${' '.repeat(position)}^` : '';
    throw new CommandFailure(
      'bad-usage',
      `in the filter, ${escapeName(message)} at character ${position + 1}${place}\n${escapeName(hint)}`,
      { cause: error },
    );
  }
}
