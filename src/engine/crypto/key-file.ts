import { hostname } from 'node:os';
import { currentUser } from '../../util/current-user.ts';
import { readInteger, readObject, readString } from '../../util/wire.ts';
import { deriveKey, isAcceptable, newKeyDerivation, type KeyDerivation } from './key-derivation.ts';
import { decodeMasterKey, encodeMasterKey, splitDerivedKey, type MasterKey } from './master-key.ts';
import { BufferSealer } from './sealer.ts';

/** A key file: the master key sealed with a key derived from one password. Plain JSON under `keys/`. */
export interface KeyFile {
  readonly created: string;
  readonly username: string;
  readonly hostname: string;
  readonly derivation: KeyDerivation;
  readonly data: Uint8Array;
}

/** Seals the master key for a password. */
export async function createKeyFile(
  master: MasterKey,
  password: string,
  created: Date,
  label: { username?: string; hostname?: string } = {},
): Promise<Buffer> {
  const derivation = newKeyDerivation();
  const user = splitDerivedKey(await deriveKey(password, derivation));
  return Buffer.from(
    JSON.stringify({
      created: created.toISOString(),
      username: label.username ?? currentUser().username,
      hostname: label.hostname ?? hostname(),
      kdf: 'scrypt',
      N: derivation.N,
      r: derivation.r,
      p: derivation.p,
      salt: Buffer.from(derivation.salt).toString('base64'),
      data: new BufferSealer(user).seal(encodeMasterKey(master)).toString('base64'),
    }),
  );
}

/** Reads a key file. Throws a plain error when it is not one, or asks for more memory or time than any honest one would. */
export function parseKeyFile(bytes: Uint8Array): KeyFile {
  const wire = readObject(JSON.parse(Buffer.from(bytes).toString('utf8')), 'the key file');
  if (wire['kdf'] !== 'scrypt') throw new Error('its key derivation is not scrypt');
  const derivation = {
    N: readInteger(wire['N'], 'N'),
    r: readInteger(wire['r'], 'r'),
    p: readInteger(wire['p'], 'p'),
    salt: Buffer.from(readString(wire['salt'], 'salt'), 'base64'),
  };
  if (!isAcceptable(derivation)) throw new Error('its key derivation has parameters that are not acceptable');
  return {
    // Labels only: other programs leave them out.
    created: readString(wire['created'] ?? '0001-01-01T00:00:00Z', 'created'),
    username: readString(wire['username'] ?? '', 'username'),
    hostname: readString(wire['hostname'] ?? '', 'hostname'),
    derivation,
    data: Buffer.from(readString(wire['data'], 'data'), 'base64'),
  };
}

/** The master key, or undefined when this password does not open the file. */
export async function openKeyFile(file: KeyFile, password: string): Promise<MasterKey | undefined> {
  const user = splitDerivedKey(await deriveKey(password, file.derivation));
  const json = new BufferSealer(user).open(file.data);
  return json && decodeMasterKey(json);
}
