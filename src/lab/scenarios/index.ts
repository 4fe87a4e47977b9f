/** All scenarios, in the order in which they are told. */

import type { Scenario } from '../scenario.js';
import { badRequest } from './bad-request.js';
import { bothClose } from './both-close.js';
import { clientDisabled } from './client-disabled.js';
import { counted } from './counted.js';
import { framing } from './framing.js';
import { idleClose } from './idle-close.js';
import { keepAlive10 } from './keep-alive-1.0.js';
import { lostPackets } from './lost-packets.js';
import { nonPersistent } from './non-persistent.js';
import { pageLoad } from './page-load.js';
import { persistent } from './persistent.js';
import { pipelined } from './pipelined.js';
import { serverKilled } from './server-killed.js';
import { silentDrop } from './silent-drop.js';
import { slowResponse } from './slow-response.js';
import { staleReuse } from './stale-reuse.js';
import { tcpKeepalive } from './tcp-keepalive.js';
import { timeWait } from './time-wait.js';
import { timeoutIdle } from './timeout-idle.js';
import { timeoutRestarts } from './timeout-restarts.js';
import { timeoutZero } from './timeout-zero.js';
import { unreadBody } from './unread-body.js';

export const scenarios: readonly Scenario[] = [
  nonPersistent,
  keepAlive10,
  persistent,
  idleClose,
  bothClose,
  slowResponse,
  serverKilled,
  timeoutZero,
  timeoutIdle,
  timeoutRestarts,
  counted,
  clientDisabled,
  unreadBody,
  framing,
  tcpKeepalive,
  timeWait,
  badRequest,
  pipelined,
  pageLoad,
  staleReuse,
  silentDrop,
  lostPackets,
];
