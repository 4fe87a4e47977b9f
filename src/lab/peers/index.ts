/** Everybody who can play a part. */

import { apache } from './apache.js';
import { chromium } from './chromium.js';
import type { ClientPeer } from './client-peer.js';
import { curl } from './curl.js';
import { goClient, goServer } from './go.js';
import { nginx } from './nginx.js';
import { holdfastClient, nodeClient, plainClient, undiciClient } from './our-clients.js';
import { express, holdfast, node, plain } from './our-servers.js';
import type { ServerPeer } from './server-peer.js';

export const serverPeers: readonly ServerPeer[] = [nginx, apache, goServer, node, express, holdfast, plain];
export const clientPeers: readonly ClientPeer[] = [
  curl,
  nodeClient,
  undiciClient,
  goClient,
  chromium,
  holdfastClient,
  plainClient,
];
