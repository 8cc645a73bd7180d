/** Opens what was encrypted: by the gpg program, or with an age identity. */
import { readFile } from 'node:fs/promises';
import { HoldfastError, reasonOf } from '../../errors.ts';
import type { StorageEnvironment } from '../../storage/storage-options.ts';
import { startSubprocess } from '../../util/subprocess.ts';
import { judgeGpg, openUserHome } from '../archive/gpg-home.ts';
import { withPassphrase } from '../archive/passphrase-input.ts';
import { refuseImport } from './import-failure.ts';

export interface UnsealRequest {
  /** Files with age identities, as age's --identity reads them. */
  readonly identities: readonly string[];
  /** Of files that were encrypted with one. */
  readonly passphrase?: string;
  readonly environment: StorageEnvironment;
}

export interface Unsealing {
  gpg(bytes: AsyncIterable<Uint8Array>, path: string, signal: AbortSignal): AsyncIterable<Uint8Array>;
  age(bytes: AsyncIterable<Uint8Array>, path: string): AsyncIterable<Uint8Array>;
}

export function openUnsealing(request: UnsealRequest): Unsealing {
  return { gpg: (bytes, path, signal) => openByGpg(request, bytes, path, signal), age: (bytes, path) => openByAge(request, bytes, path) };
}

async function* openByGpg(
  { passphrase, environment }: UnsealRequest,
  bytes: AsyncIterable<Uint8Array>,
  path: string,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const loopback = passphrase === undefined ? [] : ['--pinentry-mode=loopback', '--passphrase-fd=0'];
  const args = ['--batch', '--no-tty', '--quiet', ...loopback, '--decrypt', '--output=-'];
  const input = passphrase === undefined ? bytes : withPassphrase(passphrase, bytes);
  const child = startSubprocess({ file: 'gpg', args, env: openUserHome(environment).env, input, signal });
  let isRead = false;
  try {
    yield* child.output;
    isRead = true;
    judgeGpg(`decrypt ${path}`, await child.ended, signal);
  } finally {
    // A reader that has seen enough leaves a gpg that complains of it.
    if (!isRead) await child.stop();
  }
}

async function* openByAge(
  { identities, passphrase }: UnsealRequest,
  bytes: AsyncIterable<Uint8Array>,
  path: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { Decrypter } = await import('age-encryption');
  const decrypter = new Decrypter();
  for (const identity of await readIdentities(identities)) decrypter.addIdentity(identity);
  if (passphrase !== undefined) decrypter.addPassphrase(passphrase);
  if (identities.length === 0 && passphrase === undefined)
    refuseImport(path, 'it is encrypted with age, and no key was given', 'Give the file with the secret key: --identity FILE');
  const reader = (await decrypter.decrypt(ReadableStream.from(bytes))).getReader();
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) yield part.value;
  } catch (error) {
    refuseImport(path, `age cannot decrypt it (${reasonOf(error)})`, 'Check the key, and that the file is whole', error);
  } finally {
    await reader.cancel().catch(() => {});
  }
}

async function readIdentities(files: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const file of files) {
    const text = await readFile(file, 'utf8').catch((error: unknown) => {
      throw new HoldfastError('secret-unreadable', { reason: reasonOf(error) }, error);
    });
    const lines = text.split('\n').map((line) => line.trim());
    const identities = lines.filter((line) => line.startsWith('AGE-SECRET-KEY-'));
    if (identities.length === 0) throw new HoldfastError('secret-unreadable', { reason: `${file} holds no age identity` });
    found.push(...identities);
  }
  return found;
}
