/** A password of its own for the safe: sealed to people, so that they can open the repository on the day when nobody else can. */
import { randomBytes } from 'node:crypto';
import { open, unlink } from 'node:fs/promises';
import type { Repository } from '../../engine/repository.ts';
import type { RunContext } from '../../engine/run-context.ts';
import { HoldfastError, reasonOf } from '../../errors.ts';
import type { StorageEnvironment } from '../../storage/storage-options.ts';
import { openSealer, type SealRequest } from '../archive/sealing.ts';
import { addPassword } from '../maintain.ts';
import type { LockChoice } from '../open-session.ts';

export interface EscrowRequest {
  /** age recipients, or GPG keys; each may be a file that holds one. */
  readonly to: readonly string[];
  /** A file that is not there yet. */
  readonly out: string;
  readonly environment: StorageEnvironment;
  readonly lock: LockChoice;
}

export interface EscrowReport {
  readonly keyId: string;
  readonly file: string;
  /** `age, to age1…` */
  readonly sealedBy: string;
  /** Prints the password, for whoever has the key. */
  readonly openCommand: string;
}

/** 192 bits, in words of a shell. */
const passwordBytes = 24;

/**
 * Makes a password, adds a key for it, and writes it to the file, encrypted. What is decrypted is the password and nothing else, so that a program can take it
 * from there. Throws `seal-recipient`, `archive-target`, `usage`, and what adding a key throws: then there is neither the file nor the key.
 */
export async function escrowPassword(
  repository: Repository,
  { to, out, environment, lock }: EscrowRequest,
  context: RunContext,
): Promise<EscrowReport> {
  const sealer = await openSealer({ ...sortRecipients(to), armor: true }, environment, context.signal);
  if (sealer === undefined) throw new HoldfastError('usage', { reason: '--to says who can open it', help: 'holdfast key escrow --help' });
  try {
    const password = randomBytes(passwordBytes).toString('base64url');
    await writeNew(out, sealer.seal(single(`${password}\n`)));
    try {
      const keyId = await addPassword(repository, password, { username: 'escrow' }, lock, context);
      return { keyId, file: out, sealedBy: sealer.title, openCommand: sealer.openCommand(out) };
    } catch (error) {
      await unlink(out).catch(() => {});
      throw error;
    }
  } finally {
    await sealer.close();
  }
}

/** A recipient of age says so itself; a file does where it ends as age's do. */
function sortRecipients(to: readonly string[]): SealRequest {
  const isAge = (name: string): boolean => name.startsWith('age1') || /(^|[./-])age(\.(txt|pub))?$/i.test(name);
  return { age: to.filter(isAge), gpg: to.filter((name) => !isAge(name)) };
}

async function writeNew(path: string, bytes: AsyncIterable<Uint8Array>): Promise<void> {
  const file = await open(path, 'wx', 0o600).catch((error: unknown) => {
    throw new HoldfastError(
      'archive-target',
      { location: path, reason: reasonOf(error), remedy: 'Name a file that is not there yet' },
      error,
    );
  });
  try {
    for await (const chunk of bytes) await file.writeFile(chunk);
    await file.sync();
  } catch (error) {
    await unlink(path).catch(() => {});
    throw error;
  } finally {
    await file.close();
  }
}

async function* single(text: string): AsyncGenerator<Uint8Array, void, undefined> {
  yield Buffer.from(text, 'utf8');
}
