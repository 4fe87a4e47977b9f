export { type ConnectionPredicate, FilterError, hasHost, hasPort, parseFilter } from './filter.js';
export type { StoryOptions } from './fold.js';
export { Story } from './fold.js';
export type {
  Connection,
  Ending,
  EndingBy,
  EndingHow,
  EndingWhy,
  Exchange,
  Finding,
  FindingLevel,
  InterimResponse,
  Mark,
  MarkKind,
  Moment,
  PerSide,
  Protocol,
  ProtocolName,
  TcpTally,
  Totals,
  Waiter,
} from './model.js';
export { endingReasonTexts, storyLimits } from './model.js';
