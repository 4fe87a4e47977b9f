/**
 * The observer as a page uses it: the bytes of a capture in, the text of the JSON report out. Only page layers are imported and
 * nothing of Node or of the browser is named, so that the test can run this very file in both.
 */

import { observeCapture } from 'holdfast/packets';
import { Diagnosis, Story } from 'holdfast/story';
import { type Clock, clockOf, jsonReportWriter } from 'holdfast/view';

/** Chunks of an odd size, so that records are cut at their ends. */
const chunkBytes = 777;

export function explainBytes(name: string, bytes: Uint8Array): string {
  let text = '';
  let clock: Clock | null = null;
  const report = jsonReportWriter({
    form: 'json',
    write: (more) => {
      text += more;
    },
  });
  const diagnosis = new Diagnosis();
  const story = new Story({
    onConnection: (connection) => {
      clock ??= clockOf(capture.summary());
      diagnosis.take(connection);
      report.connection(connection, clock);
    },
  });
  const capture = observeCapture({ observe: (observation) => story.observe(observation) });
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    clock = null;
    capture.push(bytes.subarray(at, at + chunkBytes));
  }
  clock = null;
  const source = capture.end();
  story.end();
  const findings = diagnosis.findings();
  const verdict = diagnosis.verdict(findings);
  report.end(name, source, story.totals, { verdict, findings, inferences: diagnosis.inferences() });
  return text;
}
