/** Runs the gpg program, with a keyring of its own where none of the user's is needed. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HoldfastError, reasonOf } from '../../errors.ts';
import type { StorageEnvironment } from '../../storage/storage-options.ts';
import { runSubprocess, type SubprocessEnd } from '../../util/subprocess.ts';

export interface GpgHome {
  /** For gpg, with GNUPGHOME where it is a throw-away one. */
  readonly env: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

/** The user's own keyring. */
export function openUserHome(environment: StorageEnvironment): GpgHome {
  return { env: definedOf(environment), close: () => Promise.resolve() };
}

/** An empty keyring in a folder of its own: short, because gpg's agent listens on a socket in it. */
export async function openThrowAwayHome(environment: StorageEnvironment): Promise<GpgHome> {
  const folder = await mkdtemp(join(tmpdir(), 'hf-gpg-'));
  const env = { ...definedOf(environment), GNUPGHOME: folder };
  return {
    env,
    close: async () => {
      await runSubprocess({ file: 'gpgconf', args: ['--kill', 'all'], env }).catch(() => {});
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Throws `gpg-missing`, and `gpg-failed` with gpg's own words. */
export function judgeGpg(action: string, end: SubprocessEnd, signal: AbortSignal): void {
  if (signal.aborted) throw new HoldfastError('interrupted');
  if (end.inputFailure !== undefined) throw end.inputFailure;
  if (end.startFailure !== undefined)
    throw new HoldfastError('gpg-missing', { reason: `the program could not be started (${reasonOf(end.startFailure)})` });
  if (end.status === 0) return;
  throw new HoldfastError('gpg-failed', { action, reason: saidBy(end) });
}

function saidBy({ stderr, status, killedBy }: SubprocessEnd): string {
  const lines = stderr
    .split('\n')
    .map((line) => line.replace(/^gpg: /, '').trim())
    .filter((line) => line !== '' && !/^(WARNING: |keybox |.*trustdb)/.test(line));
  return lines.slice(-3).join('; ') || (status === undefined ? `signal ${killedBy ?? '?'} ended gpg` : `gpg ended with status ${status}`);
}

function definedOf(environment: StorageEnvironment): Record<string, string> {
  const { GNUPGHOME: _, ...rest } = environment;
  const home = environment['GNUPGHOME'];
  const all = home === undefined || home === '' ? rest : { ...rest, GNUPGHOME: home };
  return Object.fromEntries(
    Object.entries({ ...all, LC_ALL: 'C' }).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}
