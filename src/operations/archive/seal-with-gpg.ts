import { stat } from 'node:fs/promises';
import { HoldfastError } from '../../errors.ts';
import type { StorageEnvironment } from '../../storage/storage-options.ts';
import { runSubprocess, startSubprocess } from '../../util/subprocess.ts';
import { judgeGpg, openThrowAwayHome, openUserHome, type GpgHome } from './gpg-home.ts';
import type { Sealer } from './sealing.ts';
import { withPassphrase } from './passphrase-input.ts';

export interface GpgSealRequest {
  readonly recipients: readonly string[];
  readonly passphrase?: string;
  readonly armor: boolean;
  readonly environment: StorageEnvironment;
  readonly signal: AbortSignal;
}

/** Encrypts by the gpg program. Throws `gpg-missing`, and `seal-recipient` for a key that it does not find or cannot use: before anything is written. */
export async function openGpgSealer(request: GpgSealRequest): Promise<Sealer> {
  const { recipients, passphrase, armor, environment } = request;
  const files = await Promise.all(recipients.map(isFile));
  // A key from a file needs no keyring, and none of the user's settings shall change what is written.
  const home = files.every((is) => is) ? await openThrowAwayHome(environment) : openUserHome(environment);
  try {
    const keys = recipients.flatMap((recipient, at) => [files[at] === true ? '--recipient-file' : '--recipient', recipient]);
    const args = [
      ...[
        '--batch',
        '--no-tty',
        '--yes',
        '--quiet',
        '--trust-model=always',
        '--no-auto-key-locate',
        '--compress-algo=none',
        '--cipher-algo=AES256',
      ],
      ...(armor ? ['--armor'] : []),
      ...(passphrase === undefined ? [] : ['--pinentry-mode=loopback', '--passphrase-fd=0', '--symmetric']),
      ...(recipients.length === 0 ? [] : ['--encrypt', ...keys]),
      '--output=-',
    ];
    const sealer = sealerOf(request, home, args);
    await tryRecipients(request, sealer);
    return sealer;
  } catch (error) {
    await home.close();
    throw error;
  }
}

function sealerOf({ recipients, passphrase, signal }: GpgSealRequest, home: GpgHome, args: readonly string[]): Sealer {
  const who = [...recipients, ...(passphrase === undefined ? [] : ['who knows the passphrase'])];
  return {
    ending: '.gpg',
    title: `GPG, to ${who.join(', ')}`,
    openCommand: (file) => `gpg --decrypt ${file}`,
    seal: async function* seal(bytes) {
      const input = passphrase === undefined ? bytes : withPassphrase(passphrase, bytes);
      const child = startSubprocess({ file: 'gpg', args, env: home.env, input, signal });
      try {
        yield* child.output;
        judgeGpg('encrypt the archive', await child.ended, signal);
      } finally {
        await child.stop();
      }
    },
    close: () => home.close(),
  };
}

/** gpg looks at its keys only when it is run. */
async function tryRecipients({ recipients, signal }: GpgSealRequest, sealer: Sealer): Promise<void> {
  const { status, startFailure } = await runSubprocess({ file: 'gpg', args: ['--version'], env: { PATH: process.env['PATH'] ?? '' } });
  if (startFailure !== undefined || status !== 0) throw new HoldfastError('gpg-missing', { reason: 'the program could not be started' });
  try {
    for await (const _ of sealer.seal(single(Buffer.from('holdfast')))) if (signal.aborted) break;
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code !== 'gpg-failed' || recipients.length === 0) throw error;
    throw new HoldfastError('seal-recipient', { recipient: recipients.join(', '), reason: String(error.details['reason']) }, error);
  }
}

async function isFile(name: string): Promise<boolean> {
  return stat(name).then(
    (found) => found.isFile(),
    () => false,
  );
}

async function* single(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes;
}
