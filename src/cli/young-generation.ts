/**
 * Lets the heap's young generation grow to a size and no further. Left alone it takes 32 MB and more, most of it for nothing:
 * connections are told one by one, and what one leaves is garbage at once. V8 has a flag for its size, but heeds it only at the start.
 */
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';

/** In bytes, of both its halves. */
const enough = 8e6;

let isLimited = false;

/** To be called now and then, as it grows by doubling; costs nothing once the size is reached. */
export function limitYoungGeneration(): void {
  if (isLimited) return;
  const young = getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space');
  if (young === undefined || young.space_size < enough) return;
  setFlagsFromString('--semi-space-growth-factor=1');
  isLimited = true;
}
