/**
 * All rules. The order matters twice: a lost request belongs to the first rule that claims it, and among findings of the same
 * weight the rule named first comes first.
 */
import type { Rule } from '../diagnosis-rule.js';
import { ageLimit } from './age-limit.js';
import { churn } from './churn.js';
import { clientGaveUp } from './client-gave-up.js';
import { closedWithoutAnswer } from './closed-without-answer.js';
import { cutWhileWaiting } from './cut-while-waiting.js';
import { deployBurst } from './deploy-burst.js';
import { forgedReset } from './forged-reset.js';
import { framingDesync } from './framing-desync.js';
import { halfCloseDropped } from './half-close-dropped.js';
import { halfOpen } from './half-open.js';
import { handshakeCost } from './handshake-cost.js';
import { hiddenRetry } from './hidden-retry.js';
import { hintBroken } from './hint-broken.js';
import { hintIgnored } from './hint-ignored.js';
import { hintLeaked } from './hint-leaked.js';
import { lateReset } from './late-reset.js';
import { leak } from './leak.js';
import { lostOpening } from './lost-opening.js';
import { maxRequests } from './max-requests.js';
import { nagleDelayedAck } from './nagle-delayed-ack.js';
import { noAnswer } from './no-answer.js';
import { pathLost } from './path-lost.js';
import { pinnedLoad } from './pinned-load.js';
import { pipelineTailDropped } from './pipeline-tail-dropped.js';
import { probesAreNotReuse } from './probes-are-not-reuse.js';
import { probesLate } from './probes-late.js';
import { probesUnanswered } from './probes-unanswered.js';
import { proxyGaveUp } from './proxy-gave-up.js';
import { refused } from './refused.js';
import { requestAfterClose } from './request-after-close.js';
import { responseCut } from './response-cut.js';
import { responseLostToReset } from './response-lost-to-reset.js';
import { reuseAfterFin } from './reuse-after-fin.js';
import { reuseDisabled } from './reuse-disabled.js';
import { reuseWorks } from './reuse-works.js';
import { serverDied } from './server-died.js';
import { silentDrop } from './silent-drop.js';
import { slowClient } from './slow-client.js';
import { slowNetwork } from './slow-network.js';
import { slowServer } from './slow-server.js';
import { slowStartAfterIdle } from './slow-start-after-idle.js';
import { staleReuse } from './stale-reuse.js';
import { timeoutInferred } from './timeout-inferred.js';
import { timeoutOrder } from './timeout-order.js';
import { timeoutsInOrder } from './timeouts-in-order.js';
import { tinyPool } from './tiny-pool.js';
import { tlsStaleReuse } from './tls-stale-reuse.js';
import { unreadBody } from './unread-body.js';
import { unusedConnection } from './unused-connection.js';

export const rules: readonly Rule[] = [
  // Lost requests.
  requestAfterClose,
  reuseAfterFin,
  silentDrop,
  serverDied,
  forgedReset,
  pipelineTailDropped,
  staleReuse,
  cutWhileWaiting,
  proxyGaveUp,
  halfCloseDropped,
  clientGaveUp,
  closedWithoutAnswer,
  pathLost,
  tlsStaleReuse,
  // Broken answers.
  responseCut,
  responseLostToReset,
  framingDesync,
  // Openings and dead connections.
  refused,
  noAnswer,
  lostOpening,
  probesUnanswered,
  // Waiting.
  slowServer,
  slowNetwork,
  slowClient,
  // Pools.
  churn,
  tinyPool,
  unreadBody,
  leak,
  reuseDisabled,
  handshakeCost,
  hiddenRetry,
  // Timeouts.
  timeoutOrder,
  hintBroken,
  hintIgnored,
  hintLeaked,
  halfOpen,
  deployBurst,
  // Worth knowing.
  nagleDelayedAck,
  slowStartAfterIdle,
  maxRequests,
  ageLimit,
  timeoutInferred,
  probesLate,
  probesAreNotReuse,
  pinnedLoad,
  unusedConnection,
  lateReset,
  // Good.
  reuseWorks,
  timeoutsInOrder,
];
