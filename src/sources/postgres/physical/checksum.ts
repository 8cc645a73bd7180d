/** Computes a checksum of a manifest while bytes stream by. */
import { createHash } from 'node:crypto';
import { crc32c } from '../../../util/crc32c.ts';
import type { ChecksumAlgorithm } from './server-manifest.ts';

export interface Checksum {
  update(bytes: Uint8Array): void;
  /** In hexadecimal, as in a manifest; empty for NONE. */
  digest(): string;
}

export function startChecksum(algorithm: ChecksumAlgorithm): Checksum {
  if (algorithm === 'NONE') return { update: () => {}, digest: () => '' };
  if (algorithm !== 'CRC32C') {
    const hash = createHash(algorithm.toLowerCase());
    return { update: (bytes) => void hash.update(bytes), digest: () => hash.digest('hex') };
  }
  let sum = 0;
  return {
    update: (bytes) => {
      sum = crc32c(bytes, sum);
    },
    digest: () => {
      // The server writes the number as it lies in its memory.
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32LE(sum);
      return bytes.toString('hex');
    },
  };
}
