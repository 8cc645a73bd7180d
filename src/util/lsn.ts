/** Positions in WAL: `bigint` in code, `16/B374D848` in text. */

const form = /^([0-9A-Fa-f]{1,8})\/([0-9A-Fa-f]{1,8})$/;

/** Reads `16/B374D848`. Throws a plain error for anything else. */
export function parseLsn(text: string): bigint {
  const [, high, low] = form.exec(text.trim()) ?? [];
  if (high === undefined || low === undefined) throw new Error(`"${text.slice(0, 40)}" is not a WAL position such as 16/B374D848`);
  return (BigInt(`0x${high}`) << 32n) | BigInt(`0x${low}`);
}

/** The same of what a server says: undefined for anything that is not a position. */
export function readLsn(text: string | null | undefined): bigint | undefined {
  return text === null || text === undefined || !form.test(text) ? undefined : parseLsn(text);
}

/** As PostgreSQL writes it: `16/B374D848`. */
export function formatLsn(lsn: bigint): string {
  return `${(lsn >> 32n).toString(16).toUpperCase()}/${(lsn & 0xff_ff_ff_ffn).toString(16).toUpperCase()}`;
}
