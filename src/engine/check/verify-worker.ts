/** The thread that reads packs for check. It answers each request with what is wrong. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { reasonOf } from '../../errors.ts';
import type { MasterKey } from '../crypto/master-key.ts';
import { BlobOpener } from '../pack/blob-opener.ts';
import { verifyPack, type PackSource } from './verify-pack.ts';

export interface VerifyStart {
  readonly masterKey: MasterKey;
}

export interface VerifyRequest {
  readonly pack: string;
  /** The file to read, where packs are files of this machine; else its bytes. */
  readonly content: string | Uint8Array;
  /** The header that the index implies, not sealed. */
  readonly expected: Uint8Array;
}

export interface VerifyAnswer {
  readonly reasons: readonly string[];
  readonly bytes: number;
}

// What is posted by pack-verifiers.ts is what these interfaces say.
const { masterKey } = workerData as VerifyStart;
const opener = new BlobOpener(masterKey);
parentPort?.on('message', (request: VerifyRequest) => parentPort?.postMessage(answer(request)));

function answer({ pack, content, expected }: VerifyRequest): VerifyAnswer {
  const header = Buffer.from(expected.buffer, expected.byteOffset, expected.length);
  if (typeof content !== 'string') return { reasons: verify(pack, bytesSource(content), header), bytes: content.length };
  let file: number;
  try {
    file = openSync(content, 'r');
  } catch (error) {
    return { reasons: [`it cannot be read: ${reasonOf(error)}`], bytes: 0 };
  }
  try {
    const { size } = fstatSync(file);
    return { reasons: verify(pack, fileSource(file, size), header), bytes: size };
  } finally {
    closeSync(file);
  }
}

function verify(pack: string, source: PackSource, header: Buffer): string[] {
  try {
    return verifyPack(opener, pack, source, header);
  } catch (error) {
    return [`it cannot be read: ${reasonOf(error)}`];
  }
}

function bytesSource(bytes: Uint8Array): PackSource {
  return { size: bytes.length, read: (offset, target) => target.set(bytes.subarray(offset, offset + target.length)) };
}

function fileSource(file: number, size: number): PackSource {
  return {
    size,
    read(offset, target) {
      for (let done = 0; done < target.length;) {
        const read = readSync(file, target, done, target.length - done, offset + done);
        if (read === 0) throw new Error(`it ends after ${offset + done} bytes`);
        done += read;
      }
    },
  };
}
