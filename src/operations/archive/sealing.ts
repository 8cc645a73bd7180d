/** Encryption of an archive's files to people who need no holdfast to open them. */
import { HoldfastError } from '../../errors.ts';
import type { StorageEnvironment } from '../../storage/storage-options.ts';

export interface SealRequest {
  /** Ids, addresses or fingerprints of keys in the keyring of whoever runs this, or files that hold a public key. */
  readonly gpg?: readonly string[];
  /** `age1…`, or files with one a line. */
  readonly age?: readonly string[];
  /** For gpg: who knows it can decrypt. */
  readonly passphrase?: string;
  /** As text that can be printed, for what is small. */
  readonly armor?: boolean;
}

/** One way to encrypt. */
export interface Sealer {
  /** `.gpg`, `.age`. */
  readonly ending: string;
  /** For people: `GPG, to ops@example.org`. */
  readonly title: string;
  /** A command that reads the file of this name and writes what was encrypted: `gpg --decrypt NAME`. */
  openCommand(file: string): string;
  seal(bytes: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array>;
  /** Removes what it made on this machine. */
  close(): Promise<void>;
}

/** Throws `usage` where both ways are asked for, `gpg-missing`, `seal-recipient`. Undefined where nothing is to be encrypted. */
export async function openSealer(request: SealRequest, environment: StorageEnvironment, signal: AbortSignal): Promise<Sealer | undefined> {
  const { gpg = [], age = [], passphrase, armor = false } = request;
  if (age.length > 0 && (gpg.length > 0 || passphrase !== undefined))
    throw new HoldfastError('usage', { reason: 'a file is encrypted by age or by gpg, not by both', help: 'holdfast archive --help' });
  if (age.length > 0) return (await import('./seal-with-age.ts')).openAgeSealer(age, armor);
  if (gpg.length === 0 && passphrase === undefined) return undefined;
  const { openGpgSealer } = await import('./seal-with-gpg.ts');
  return openGpgSealer({ recipients: gpg, armor, ...(passphrase === undefined ? {} : { passphrase }), environment, signal });
}
