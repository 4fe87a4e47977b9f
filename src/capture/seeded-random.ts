/**
 * Chance that can be repeated: the same seed and name give the same numbers. Each effect (loss, jitter …) draws from a sequence
 * of its own, so that changing one effect does not shift another. Mulberry32: 2³² numbers, plenty for faults, nothing for secrets.
 */

/** A number from 0 (included) to 1 (excluded). */
export type Random = () => number;

export function seededRandom(seed: number, name = ''): Random {
  let state = seed >>> 0;
  for (let place = 0; place < name.length; place++) state = mix(state ^ name.charCodeAt(place)) >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    return mix(state) / 2 ** 32;
  };
}

function mix(value: number): number {
  let mixed = Math.imul(value ^ (value >>> 15), value | 1);
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
  return (mixed ^ (mixed >>> 14)) >>> 0;
}
