/** Conversations that cases of several rules begin with. */
import { each } from '../conversation.js';

/** A kept connection: one answered request. */
export const answered = `
  0     open
  0.1   >> GET /first
  0.15  << 200 body 5
`;

/** Four connections that the server closes after 5 s of idleness each. */
export const idleCloses = each(
  4,
  (n) => `
  #${10 + n} ${n * 6}     open
  #${10 + n} ${n * 6}.1   >> GET /warm
  #${10 + n} ${n * 6}.15  << 200 body 5
  #${10 + n} ${n * 6 + 5}.15 << FIN
  #${10 + n} ${n * 6 + 5}.17 >> FIN
`,
);

/** Three connections with a hole each, on which nothing is wrong: the capture misses packets here and there. */
export const holes = each(
  3,
  (n) => `
  #${10 + n} 0.1   open
  #${10 + n} 0.2   >> GET /first
  #${10 + n} 0.25  << 200 length 2000 body 1000
  #${10 + n} 0.26  << data 500 ; uncaptured
  #${10 + n} 0.27  << data 500
  #${10 + n} 0.3   >> FIN
  #${10 + n} 0.35  << FIN`,
);
