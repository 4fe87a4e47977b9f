/** Scenarios on real TCP, their peers and faults, and what keep-alive costs and saves. This file is the layer's whole public face. */

export { type CostOptions, CostRefusal, type CostReport, measureCost } from './cost.js';
export { costLines } from './cost-chart.js';
export { renderCostPage } from './cost-page.js';
export type { ClientPeer } from './peers/client-peer.js';
export { clientPeers, serverPeers } from './peers/index.js';
export type { ServerPeer } from './peers/server-peer.js';
export { cannotBePlayed, type ExpectationResult, type RunOptions, runScenario, type ScenarioResult } from './run-scenario.js';
export { type SabotageName, sabotages } from './sabotage.js';
export type { Scenario } from './scenario.js';
export { scenarios } from './scenarios/index.js';
export { openSite, type SiteOptions } from './site.js';
export { PeerFailure } from './started-process.js';
