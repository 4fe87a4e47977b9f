/** Geometry and renderers of reports: terminal, JSON, HTML, SVG. This file is the layer's whole public face. */

export { type Clock, clockOf } from './clock.js';
export { type ConnectionRow, connectionRow } from './connection-row.js';
export type { Diagnosed } from './diagnosed.js';
export { EndsInCommon } from './ends-in-common.js';
export { escapeName, escapeText } from './escape.js';
export type { ComparedPage } from './html/comparison-section.js';
export { renderPage } from './html/page.js';
export { interestOf } from './interest.js';
export { type JsonReportOptions, jsonReportWriter, type ReportWriter, toAsciiJson } from './json-report.js';
export { type LadderArrow, type LadderBreak, type LadderOmission, type LadderRow, ladderOf } from './ladder.js';
export { type LiveRow, liveRow } from './live-row.js';
export { type Markup, markup, trusted } from './markup.js';
export { OrderedWindow } from './ordered-window.js';
export { Overview } from './overview.js';
export { connectionsOfInterest, PageCollector, type PageData } from './page-collector.js';
export { formatBytes, formatCount, formatCounted, formatDuration, formatEndpoint } from './quantity.js';
export {
  type Report,
  type ReportConnection,
  type ReportEnding,
  type ReportExchange,
  type ReportFinding,
  type ReportFrame,
  type ReportInference,
  type ReportMark,
  type ReportSource,
  type ReportTcp,
  type ReportVerdict,
  reportConnection,
  reportFrame,
  reportSchema,
} from './report.js';
export { renderLadderPicture } from './svg/ladder-svg.js';
export { colourStyle } from './svg/picture-style.js';
export { renderTimeline } from './svg/timeline-svg.js';
export { type ComparedNames, renderComparison } from './terminal/comparison.js';
export { renderConnection } from './terminal/connection.js';
export { renderListHead, renderListLine } from './terminal/connection-list.js';
export { lifeLegend } from './terminal/life-picture.js';
export { wrapItems, wrapWords } from './terminal/lines.js';
export { commonEnds, type ListLayout, layOutList } from './terminal/list-layout.js';
export { renderFindingLine } from './terminal/live-findings.js';
export { type LiveLayout, layOutLive } from './terminal/live-list.js';
export {
  type LiveCounts,
  type LiveList,
  type LiveMessage,
  type LivePage,
  type LiveScreen,
  type LiveSource,
  liveBodyRows,
  renderLiveScreen,
} from './terminal/live-screen.js';
export { renderRule, renderRules } from './terminal/rules.js';
export { renderSockets, type SocketsShown, socketsHeadline } from './terminal/sockets.js';
export { type Palette, plainPalette, type TerminalStyle } from './terminal/style.js';
export { renderSummary, type SummaryInput } from './terminal/summary.js';
export { type Life, type LifePiece, type LifeRun, layOutLife, lifeOf } from './timeline.js';
