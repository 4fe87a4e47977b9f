/** The story of every connection, and the rules that judge it. This file is the layer's whole public face. */

export { exchangeNumbered, newestExchange } from './current-connection.js';
export { Diagnosis, type DiagnosisOptions } from './diagnosis.js';
export { diagnosisLimits } from './diagnosis-findings.js';
export type {
  ClientInference,
  InferredDuration,
  InferredMaximum,
  ReuseInference,
  ServerInference,
  TimeoutOrder,
  TimeWaitInference,
} from './diagnosis-inference.js';
export type { Confidence, Owner, Rule } from './diagnosis-rule.js';
export type { NotTheCause, Verdict } from './diagnosis-verdict.js';
export { type ConnectionPredicate, FilterError, hasHost, hasPort, parseFilter } from './filter.js';
export type { StoryOptions } from './fold.js';
export { Story } from './fold.js';
export type {
  Closing,
  Connection,
  Ending,
  EndingBy,
  EndingHow,
  EndingWhy,
  Exchange,
  Finding,
  FindingLevel,
  FirstClose,
  Fix,
  InterimResponse,
  Mark,
  MarkKind,
  Moment,
  PerSide,
  Protocol,
  ProtocolName,
  Reset,
  SlowStart,
  TcpTally,
  Totals,
  Unanswered,
  Waiter,
  WriteStalls,
  Writing,
} from './model.js';
export { endingReasonTexts, storyLimits } from './model.js';
export { rules } from './rules/index.js';
