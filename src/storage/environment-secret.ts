import { readFileSync, statSync } from 'node:fs';
import { HoldfastError, reasonOf } from '../errors.ts';
import type { StorageEnvironment } from './storage-options.ts';

const largestSecret = 64 * 1024;

/**
 * A secret by the name of its variable, or out of the file that `NAME_FILE` names, without the newline at its end. Undefined where neither is set.
 * @throws `storage-setup` where the file cannot be read; nothing of a secret stands in it
 */
export function readEnvironmentSecret(environment: StorageEnvironment, name: string, location: string): string | undefined {
  const value = environment[name];
  if (value !== undefined && value !== '') return value;
  const file = environment[`${name}_FILE`];
  if (file === undefined || file === '') return undefined;
  try {
    if (statSync(file).size > largestSecret) throw new Error(`it is larger than ${largestSecret} bytes`);
    return readFileSync(file, 'utf8').replace(/\r?\n$/, '');
  } catch (error) {
    throw new HoldfastError(
      'storage-setup',
      {
        location,
        reason: `the file that ${name}_FILE names cannot be read (${reasonOf(error)})`,
        help: `Put the secret into ${file}, or set ${name}`,
      },
      error,
    );
  }
}
