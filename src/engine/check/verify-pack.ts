/** Reads one pack whole: its name against its content, its header against the index, and every blob in it. Synchronous, for worker threads. */
import { createHash } from 'node:crypto';
import { reasonOf } from '../../errors.ts';
import type { BlobOpener } from '../pack/blob-opener.ts';
import { contentLength, parsePackHeader, type PackedBlob } from '../pack/pack-header.ts';
import { mostHeaderBytes, parseWholeHeader } from '../pack/read-pack-header.ts';
import { mostPlainBytes } from '../repository.ts';

export interface PackSource {
  readonly size: number;
  /** Fills `target` from `offset`. Throws when there are fewer bytes. */
  read(offset: number, target: Uint8Array): void;
}

const pieceSize = 8 * 2 ** 20;

/** What is wrong with a pack; empty when nothing is. `expected` is the header that the index implies. */
export function verifyPack(opener: BlobOpener, id: string, source: PackSource, expected: Buffer): string[] {
  const reasons: string[] = [];
  if (hashOf(opener, source) !== id) reasons.push('its content is not what its name says');
  let blobs: PackedBlob[];
  try {
    const header = readHeader(opener, source);
    blobs = parseWholeHeader(header, source.size);
    if (!header.equals(expected)) reasons.push('its header says otherwise than the index');
  } catch (error) {
    reasons.push(reasonOf(error));
    blobs = parsePackHeader(expected).filter(({ offset, length }) => offset + length <= source.size);
  }
  for (const run of groupBlobs(blobs)) openRun(opener, source, run, reasons);
  return reasons;
}

function hashOf(opener: BlobOpener, source: PackSource): string {
  const hash = createHash('sha256');
  for (let offset = 0; offset < source.size; offset += pieceSize) {
    const piece = opener.input(Math.min(pieceSize, source.size - offset));
    source.read(offset, piece);
    hash.update(piece);
  }
  return hash.digest('hex');
}

function readHeader(opener: BlobOpener, source: PackSource): Buffer {
  if (source.size < 40) throw new Error(`it has only ${source.size} bytes`);
  const trailer = Buffer.alloc(4);
  source.read(source.size - 4, trailer);
  const length = trailer.readUInt32LE();
  if (length < 32 || length > Math.min(source.size - 4, mostHeaderBytes)) throw new Error('the length of its header is impossible');
  source.read(source.size - 4 - length, opener.input(length));
  const header = opener.openSealed(0, length);
  if (header === undefined) throw new Error('the seal of its header does not fit');
  return Buffer.from(header);
}

/** Neighbours that are read in one piece. A blob of impossible size is alone. */
function groupBlobs(blobs: readonly PackedBlob[]): PackedBlob[][] {
  const runs: PackedBlob[][] = [];
  let size = Number.POSITIVE_INFINITY;
  for (const blob of blobs) {
    const run = size + blob.length <= pieceSize ? runs.at(-1) : undefined;
    if (run === undefined) {
      runs.push([blob]);
      size = blob.length;
    } else {
      run.push(blob);
      size += blob.length;
    }
  }
  return runs;
}

function openRun(opener: BlobOpener, source: PackSource, run: readonly PackedBlob[], reasons: string[]): void {
  const start = run[0]?.offset ?? 0;
  const size = run.reduce((sum, { length }) => sum + length, 0);
  if (size > mostPlainBytes) {
    reasons.push(`blob ${run[0]?.id ?? ''} has an impossible size`);
    return;
  }
  source.read(start, opener.input(size));
  for (const blob of run) {
    try {
      if (blob.length < 32 || contentLength(blob) > mostPlainBytes) throw new Error(`blob ${blob.id} has an impossible size`);
      opener.open(blob.id, blob.offset - start, blob.length, blob.uncompressedLength);
    } catch (error) {
      reasons.push(reasonOf(error));
    }
  }
}
