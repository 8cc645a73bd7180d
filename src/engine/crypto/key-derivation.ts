import { randomBytes, scrypt } from 'node:crypto';

/** scrypt's parameters as a key file holds them. */
export interface KeyDerivation {
  readonly N: number;
  readonly r: number;
  readonly p: number;
  readonly salt: Uint8Array;
}

/** What new keys use: 32 MiB and about a fifth of a second, within what restic accepts from any key file. */
export function newKeyDerivation(): KeyDerivation {
  return { N: 32768, r: 8, p: 3, salt: randomBytes(64) };
}

const mostMemory = 2 ** 30 + 2 ** 16;
/** Eight everywhere; a large one only makes memory of a small N. */
const mostBlocks = 64;
const mostWork = 2 ** 32;

/** Hostile key files must not exhaust memory or time: 1 GiB is taken at most, 4 GiB are filled in all (some ten seconds), and the salt is what the format says. */
export function isAcceptable({ N, r, p, salt }: KeyDerivation): boolean {
  if (![N, r, p].every((value) => Number.isInteger(value) && value > 0)) return false;
  const powerOfTwo = N > 1 && Number.isInteger(Math.log2(N));
  return powerOfTwo && r <= mostBlocks && memoryOf({ N, r, p }) <= mostMemory && 128 * N * r * p <= mostWork && salt.length === 64;
}

/** Bytes, as OpenSSL counts them: the table, p blocks, and two blocks to work in. */
function memoryOf({ N, r, p }: Pick<KeyDerivation, 'N' | 'r' | 'p'>): number {
  return 128 * r * (N + p + 2);
}

/** The 64 bytes of key material for a password, computed off the main thread. */
export function deriveKey(password: string, { N, r, p, salt }: KeyDerivation): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  scrypt(password, salt, 64, { N, r, p, maxmem: memoryOf({ N, r, p }) }, (error, key) => (error ? reject(error) : resolve(key)));
  return promise;
}
