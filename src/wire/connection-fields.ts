/**
 * `Connection` and `Keep-Alive`, from their values as strings (RFC 9110 §7.6.1; RFC 2068 §19.7.1.1 and
 * draft-thomson-hybi-http-timeout). Whatever is sent, these give what can be understood and leave the rest out.
 */

/** The options of a Connection field in lower case, in order, without empty ones. Null (no such field) gives none. */
export function parseConnectionOptions(value: string | null): string[] {
  if (value === null) return [];
  const options: string[] = [];
  for (const part of value.split(',')) {
    const option = part.trim().toLowerCase();
    if (option !== '') options.push(option);
  }
  return options;
}

/** Advice, not a promise: what the sender of a Keep-Alive field means to do with the connection when idle. */
export interface KeepAliveHint {
  /** Whole seconds of idle time after which it closes, or null when not said. */
  readonly timeoutSeconds: number | null;
  /** Further requests that it will take on this connection, or null when not said. */
  readonly max: number | null;
}

/**
 * Reads `timeout=N` and `max=M` in any order and case, with or without quotes and white space. Older servers separate
 * parameters by ';', and some send a bare number, which is a timeout (nginx's and draft forms). The first of a name counts.
 */
export function parseKeepAlive(value: string | null): KeepAliveHint {
  let timeoutSeconds: number | null = null;
  let max: number | null = null;
  if (value !== null) {
    for (const part of value.split(/[,;]/)) {
      const match = /^\s*(?:([A-Za-z]+)\s*=\s*)?"?(\d{1,15})"?\s*$/.exec(part);
      if (match === null) continue;
      const name = match[1]?.toLowerCase() ?? 'timeout';
      const number = Number(match[2]);
      if (name === 'timeout') timeoutSeconds ??= number;
      else if (name === 'max') max ??= number;
    }
  }
  return { timeoutSeconds, max };
}
