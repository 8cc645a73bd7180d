import { randomBytes } from 'node:crypto';
import { readId, readInteger, readObject, readString } from '../util/wire.ts';
import { degree, isIrreducible, randomPolynomial } from './chunk/polynomial.ts';

/** The `config` file: what kind of repository this is. */
export interface RepositoryConfig {
  readonly version: 1 | 2;
  readonly id: string;
  /** Irreducible, of degree 53: two repositories with the same one cut files in the same places. */
  readonly polynomial: bigint;
}

export function createConfig(version: 1 | 2, polynomial: bigint = randomPolynomial()): RepositoryConfig {
  return { version, id: randomBytes(32).toString('hex'), polynomial };
}

export function encodeConfig({ version, id, polynomial }: RepositoryConfig): Buffer {
  return Buffer.from(JSON.stringify({ version, id, chunker_polynomial: polynomial.toString(16) }));
}

/** Digests must hold the 20 bits that decide, and fit 64. restic and rustic draw 53. */
const leastDegree = 21;

/** Reads the config. Throws a plain error when it is not one. Of a version that is not known nothing else is read: the caller knows how to say so. */
export function decodeConfig(json: Uint8Array): { version: number; id: string; polynomial: bigint } {
  const wire = readObject(JSON.parse(Buffer.from(json).toString('utf8')), 'the config');
  const version = readInteger(wire['version'], 'version');
  if (version !== 1 && version !== 2) return { version, id: '', polynomial: 0n };
  const digits = readString(wire['chunker_polynomial'], 'chunker_polynomial');
  if (!/^[0-9a-f]{1,16}$/.test(digits)) throw new Error('chunker_polynomial is not a polynomial');
  const polynomial = BigInt(`0x${digits}`);
  if (degree(polynomial) < leastDegree || !isIrreducible(polynomial)) throw new Error('its chunker polynomial is not irreducible');
  return { version, id: readId(wire['id'], 'id'), polynomial };
}
