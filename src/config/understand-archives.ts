/** Archives as they are written and what they mean, and back. */
import { resolve } from 'node:path';
import type { ArchiveConfiguration } from './configuration.ts';
import { definedOnly } from './defined-only.ts';
import type { WrittenArchive } from './schema/archives.ts';
import { manyOf, someOf, understandSecret } from './understand-shared.ts';

/** @param address makes a relative folder absolute */
export function understandArchive(
  name: string,
  written: WrittenArchive,
  folder: string,
  address: (text: string) => string,
): ArchiveConfiguration {
  const { to, class: storageClass, credentials, components, encrypt, file, compression = 'gzip', keep, schedule } = written;
  return {
    name,
    to: address(to),
    ...definedOnly({ storageClass, components: someOf(components), schedule }),
    ...(credentials === undefined
      ? {}
      : { credentials: Object.fromEntries(Object.entries(credentials).map(([key, secret]) => [key, understandSecret(secret, folder)])) }),
    ...(encrypt === undefined ? {} : { encrypt: understandEncryption(encrypt, folder) }),
    ...(keep === undefined ? {} : { keep: definedOnly(keep) }),
    oneFile: file === 'one',
    compression,
  };
}

function understandEncryption(
  { gpg, age, passphrase }: NonNullable<WrittenArchive['encrypt']>,
  folder: string,
): NonNullable<ArchiveConfiguration['encrypt']> {
  /* Only what looks like a path is one: a recipient may be called anything. */
  const place = (recipient: string): string => (/^\.{0,2}\//.test(recipient) ? resolve(folder, recipient) : recipient);
  return {
    ...(gpg === undefined ? {} : { gpg: manyOf(gpg).map(place) }),
    ...(age === undefined ? {} : { age: manyOf(age).map(place) }),
    ...(passphrase === undefined ? {} : { passphrase: understandSecret(passphrase, folder) }),
  };
}

/** In the words of the file. */
export function writeArchives(archives: readonly ArchiveConfiguration[]): object {
  return Object.fromEntries(
    archives.map(({ name, storageClass, oneFile, ...rest }) => [
      name,
      definedOnly({ ...rest, class: storageClass, file: oneFile ? 'one' : 'many' }),
    ]),
  );
}
