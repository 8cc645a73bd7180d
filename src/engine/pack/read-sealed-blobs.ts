import { reasonOf } from '../../errors.ts';
import { keyOf } from '../layout.ts';
import { mostPlainBytes, type Repository } from '../repository.ts';
import type { BlobOpener } from './blob-opener.ts';
import { contentLength, type PackedBlob } from './pack-header.ts';

/** Two blobs with less than this between them are fetched in one piece. */
const mostGap = 256 * 1024;
const mostRun = 16 * 2 ** 20;

export interface SealedBlob {
  readonly blob: PackedBlob;
  /** Valid until the next blob is asked for. */
  readonly sealed: Uint8Array;
}

interface Run {
  readonly offset: number;
  length: number;
  readonly blobs: PackedBlob[];
}

/**
 * The sealed bytes of some blobs of one pack, not verified, fetched in large pieces one ahead of what is asked for.
 *
 * @param blobs in the order in which they lie in the pack
 */
export async function* readSealedBlobs(
  repository: Repository,
  pack: string,
  blobs: readonly PackedBlob[],
  signal?: AbortSignal,
): AsyncGenerator<SealedBlob, void, undefined> {
  const key = keyOf('pack', pack);
  for (const blob of blobs)
    if (blob.length < 32 || contentLength(blob) > mostPlainBytes) throw repository.damaged(key, `blob ${blob.id} has an impossible size`);
  const runs = planRuns(blobs);
  const fetchRun = (run: Run | undefined): Promise<Uint8Array> | undefined => {
    const fetching = run && repository.storage.get(key, { offset: run.offset, length: run.length }, signal);
    fetching?.catch(() => {}); // told when its turn comes
    return fetching;
  };
  let fetching = fetchRun(runs[0]);
  for (const [at, run] of runs.entries()) {
    const bytes = await fetching;
    fetching = fetchRun(runs[at + 1]);
    if (bytes === undefined) return;
    for (const blob of run.blobs) yield { blob, sealed: bytes.subarray(blob.offset - run.offset, blob.offset - run.offset + blob.length) };
  }
}

function planRuns(blobs: readonly PackedBlob[]): Run[] {
  const runs: Run[] = [];
  for (const blob of blobs) {
    const last = runs.at(-1);
    const end = blob.offset + blob.length;
    const joins =
      last !== undefined &&
      blob.offset >= last.offset &&
      blob.offset - (last.offset + last.length) <= mostGap &&
      end - last.offset <= mostRun;
    if (joins) {
      last.length = Math.max(last.length, end - last.offset);
      last.blobs.push(blob);
    } else {
      runs.push({ offset: blob.offset, length: blob.length, blobs: [blob] });
    }
  }
  return runs;
}

export interface OpenedBlob {
  readonly content: Uint8Array;
  /** What was sealed: the compressed content where it is compressed, else the content. */
  readonly stored: Uint8Array;
}

/** Verifies a sealed blob and opens it; both views are valid until the opener is used again. Throws `damaged`. */
export function openSealedBlob(repository: Repository, opener: BlobOpener, pack: string, { blob, sealed }: SealedBlob): OpenedBlob {
  const input = opener.input(sealed.length);
  input.set(sealed);
  try {
    const content = opener.open(blob.id, 0, sealed.length, blob.uncompressedLength);
    // The opener decrypts in place: IV ‖ plaintext ‖ tag.
    return { content, stored: input.subarray(16, sealed.length - 16) };
  } catch (error) {
    throw repository.damaged(keyOf('pack', pack), reasonOf(error), error);
  }
}
