/** What the rules say of some connections, as the command hands it to the renderers. */
import { type Connection, Diagnosis } from 'holdfast/story';
import type { Diagnosed } from 'holdfast/view';

export function diagnose(connections: readonly Connection[]): Diagnosed {
  const diagnosis = new Diagnosis();
  for (const connection of connections) diagnosis.take(connection);
  const findings = diagnosis.findings();
  return { verdict: diagnosis.verdict(findings), findings, inferences: diagnosis.inferences() };
}
