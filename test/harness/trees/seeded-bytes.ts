/** Bytes for test files: the same for the same seed, fast, of three kinds. */
import { createCipheriv, createHash } from 'node:crypto';

/** Bytes that nothing compresses. */
export function noiseBytes(seed: string, size: number): Buffer {
  const key = createHash('sha256').update(seed).digest();
  return createCipheriv('aes-128-ctr', key.subarray(0, 16), key.subarray(16)).update(Buffer.alloc(size));
}

/** Lines of words and numbers, which compress to about a quarter. */
export function textBytes(seed: string, size: number): Buffer {
  const words = [
    'backup',
    'restore',
    'proof',
    'invoice',
    'customer',
    'order',
    'payment',
    'session',
    'photo',
    'report',
    'archive',
    'server',
    'table',
    'row',
    'index',
    'user',
  ];
  const choices = noiseBytes(seed, Math.ceil(size / 4) + 8);
  let text = '';
  for (let at = 0; text.length < size; at += 1) {
    const choice = choices[at] ?? 0;
    text += choice < 16 ? `${choice * 37 + at}\n` : `${words[choice % words.length] ?? ''} `;
  }
  return Buffer.from(text.slice(0, size), 'latin1');
}

/** A whole number of at least 0, less than `limit`, decided by the seed. */
export function seededBelow(seed: string, limit: number): number {
  return createHash('sha256').update(seed).digest().readUInt32LE(0) % limit;
}
