import { randomBytes, timingSafeEqual } from 'node:crypto';
import { readObject, readString } from '../../util/wire.ts';

/** The key everything in a repository is sealed with (restic's design, "Keys, Encryption and MAC"). Plain bytes, so that it may cross to worker threads. */
export interface MasterKey {
  /** AES-256 key, 32 bytes. */
  readonly encrypt: Uint8Array;
  /** AES-128 key that makes the one-time part of the Poly1305 key, 16 bytes. */
  readonly macK: Uint8Array;
  /** The fixed part of the Poly1305 key, 16 bytes, stored unclamped. */
  readonly macR: Uint8Array;
}

/** A new random key. */
export function createMasterKey(): MasterKey {
  return { encrypt: randomBytes(32), macK: randomBytes(16), macR: randomBytes(16) };
}

/** The 64 bytes that scrypt yields, cut into a key. */
export function splitDerivedKey(derived: Uint8Array): MasterKey {
  return { encrypt: derived.slice(0, 32), macK: derived.slice(32, 48), macR: derived.slice(48, 64) };
}

/** The JSON inside a key file. */
export function encodeMasterKey(key: MasterKey): Buffer {
  const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
  return Buffer.from(JSON.stringify({ mac: { k: base64(key.macK), r: base64(key.macR) }, encrypt: base64(key.encrypt) }));
}

/** Reads that JSON. Throws a plain error when it is not one. */
export function decodeMasterKey(json: Uint8Array): MasterKey {
  const wire = readObject(JSON.parse(Buffer.from(json).toString('utf8')), 'the key');
  const mac = readObject(wire['mac'], 'mac');
  const bytes = (value: unknown, what: string): Buffer => Buffer.from(readString(value, what), 'base64');
  const key = { encrypt: bytes(wire['encrypt'], 'encrypt'), macK: bytes(mac['k'], 'mac.k'), macR: bytes(mac['r'], 'mac.r') };
  if (key.encrypt.length !== 32 || key.macK.length !== 16 || key.macR.length !== 16) throw new Error('the key inside has the wrong length');
  return key;
}

/** Whether what one has sealed is opened by the other. */
export function sameKey(a: MasterKey, b: MasterKey): boolean {
  return timingSafeEqual(encodeMasterKey(a), encodeMasterKey(b));
}
