/**
 * What cannot be written: values that the application handed over and that would not be one HTTP/1.1 message on the wire. A line
 * break or a NUL in a name or a value would end the field and begin another (header injection, CWE-113), so nothing of the
 * message is written.
 *
 * This error is always local: it is about what this side wants to send, never about a peer.
 */

export const writeProblemKinds = {
  'method-invalid': 'The method is not a token.',
  'target-invalid': 'The request target is empty or has a space, a control byte or a character beyond US-ASCII.',
  'status-invalid': 'The status is not a whole number from 100 to 999.',
  'reason-invalid': 'The reason phrase has a line break, a control byte or a character beyond Latin-1.',
  'field-name-invalid': 'A field name is empty or not a token.',
  'field-value-invalid': 'A field value has a line break, a NUL, another control byte or a character beyond Latin-1.',
  'length-exceeded': 'The body is longer than its Content-Length.',
  'length-not-reached': 'The body is shorter than its Content-Length.',
  'body-not-allowed': 'A message that can have no body was given one.',
  'trailers-not-allowed': 'Only a chunked message has trailers.',
  'message-ended': 'The message has ended already.',
} as const;

/** Stable name of a reason not to write. */
export type WriteProblemCode = keyof typeof writeProblemKinds;

export class MessageWriteError extends Error {
  override readonly name = 'MessageWriteError';

  /** `subject`: which field or value, when its name is safe to say. */
  constructor(
    readonly code: WriteProblemCode,
    subject?: string,
  ) {
    super(subject === undefined ? writeProblemKinds[code] : `${writeProblemKinds[code]} (${JSON.stringify(subject)})`);
  }
}
