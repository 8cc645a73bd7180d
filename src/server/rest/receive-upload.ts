import { createHash, randomUUID } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import type { UsedSpace } from './used-space.ts';

/** No object is larger: no client reads more at once. */
const largestObject = 2 ** 30;

export interface Upload {
  readonly path: string;
  readonly size: number;
  /** SHA-256 in hex. */
  readonly hash: string;
}

/** Why a body was not taken. Nothing of it is left. */
export type UploadRefusal = 'too-large' | 'full' | 'broken';

/** Writes the body of a request to a file of its own, which is nothing yet. Space that was taken for it is given back where it is refused. */
export async function receiveUpload(
  request: IncomingMessage,
  folder: string,
  space: UsedSpace | undefined,
): Promise<Upload | UploadRefusal> {
  const announced = Number(request.headers['content-length'] ?? 0);
  if (announced > largestObject) return 'too-large';
  const path = join(folder, randomUUID());
  const hash = createHash('sha256');
  let size = 0;
  let taken = 0;
  const refuse = async (refusal: UploadRefusal): Promise<UploadRefusal> => {
    space?.giveBack(taken);
    await rm(path, { force: true });
    return refusal;
  };
  const file = await open(path, 'wx', 0o600);
  try {
    // Left early, the request stays open: its answer goes through the same connection.
    for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>) {
      size += chunk.length;
      if (size > largestObject) return await refuse('too-large');
      if (space !== undefined) {
        if (!space.take(chunk.length)) return await refuse('full');
        taken += chunk.length;
      }
      hash.update(chunk);
      for (let done = 0; done < chunk.length;) done += (await file.write(chunk, done)).bytesWritten;
    }
  } catch (error) {
    const refusal = await refuse('broken');
    // A client that goes away is no failure of ours; a full disk is.
    if (request.destroyed && !request.complete) return refusal;
    throw error;
  } finally {
    await file.close();
  }
  return request.complete ? { path, size, hash: hash.digest('hex') } : refuse('broken');
}
