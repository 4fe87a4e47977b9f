export { type Clock, clockOf } from './clock.js';
export { endingLine } from './ending-words.js';
export { escapeName, escapeText } from './escape.js';
export { interestOf } from './interest.js';
export { type JsonReportOptions, jsonReportWriter, type ReportWriter } from './json-report.js';
export { OrderedWindow } from './ordered-window.js';
export { Overview } from './overview.js';
export { formatBytes, formatCount, formatCounted, formatDuration, formatEndpoint } from './quantity.js';
export {
  type Report,
  type ReportConnection,
  type ReportEnding,
  type ReportExchange,
  type ReportFrame,
  type ReportMark,
  type ReportSource,
  type ReportTcp,
  reportConnection,
  reportFrame,
  reportSchema,
} from './report.js';
export { type Life, type LifePiece, type LifeRun, layOutLife, lifeOf } from './timeline.js';
