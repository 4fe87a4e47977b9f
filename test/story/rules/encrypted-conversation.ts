/** TLS in conversations. */

/** A record of this type, as text. */
export const record = (type: number, byteCount: number): string =>
  `text ${JSON.stringify(`${String.fromCharCode(type, 3, 3, byteCount >> 8, byteCount & 255)}${'x'.repeat(byteCount)}`)}`;

/** A connection that was used once, for 0.3 s. */
export const usedEncrypted = `
      0     open
      0.1   >> ${record(22, 250)}
      0.15  << ${record(22, 900)}
      0.2   >> ${record(23, 150)}
      0.3   << ${record(23, 300)}`;
