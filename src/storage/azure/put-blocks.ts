/** A large file as blocks, which become one blob when their list is committed. */
import type { BlockBlobClient } from '@azure/storage-blob';
import { randomBytes } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';
import { digestBytes } from '../http/file-body.ts';

/* Azure's limit for one blob. */
const mostBlocks = 50_000;
/* In memory at once: so many blocks. */
const workers = 4;

export interface BlockUpload {
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** Bytes; more where the file would not fit Azure's 50 000 blocks. */
  readonly blockSize: number;
  readonly signal?: AbortSignal;
  /** Makes the blob of the blocks. */
  commit(ids: string[]): Promise<void>;
}

/** Sends every block, then commits. Nothing of it is visible before; what a run that dies has sent is dropped by Azure after a week. */
export async function putBlocks(blob: BlockBlobClient, upload: BlockUpload): Promise<void> {
  const blockSize = Math.max(upload.blockSize, Math.ceil(upload.size / mostBlocks));
  const count = Math.ceil(upload.size / blockSize);
  /* Others may be putting the same key: their blocks must not stand among ours. */
  const run = randomBytes(12).toString('hex');
  const ids = Array.from({ length: count }, (_, index) => Buffer.from(`${run}-${String(index).padStart(6, '0')}`).toString('base64'));
  const stop = new AbortController();
  const signal = upload.signal === undefined ? stop.signal : AbortSignal.any([upload.signal, stop.signal]);
  const file = await open(upload.path, 'r');
  let next = 0;
  const work = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) {
      const block = await readBlock(file, index * blockSize, Math.min(blockSize, upload.size - index * blockSize), upload.path);
      await blob.stageBlock(ids[index] ?? '', block, block.length, { abortSignal: signal, transactionalContentMD5: digestBytes(block) });
    }
  };
  try {
    await allOrFirstFailure(Array.from({ length: Math.min(workers, count) }, work), () => stop.abort());
  } finally {
    await file.close();
  }
  await upload.commit(ids);
}

/** Waits until all have ended, also after a failure, so that nobody reads on in a closed file. */
async function allOrFirstFailure(runs: readonly Promise<void>[], onFailure: () => void): Promise<void> {
  let first: { readonly error: unknown } | undefined;
  const ended = runs.map((run) =>
    run.catch((error: unknown) => {
      first ??= { error };
      onFailure();
    }),
  );
  await Promise.all(ended);
  if (first !== undefined) throw first.error;
}

async function readBlock(file: FileHandle, offset: number, length: number, path: string): Promise<Uint8Array> {
  const block = Buffer.allocUnsafe(length);
  for (let done = 0; done < length;) {
    const { bytesRead } = await file.read(block, done, length - done, offset + done);
    if (bytesRead === 0) throw new Error(`${path} became shorter while it was read`);
    done += bytesRead;
  }
  return block;
}
