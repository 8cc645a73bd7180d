import { readFileSync } from 'node:fs';
import { HoldfastError, reasonOf } from '../errors.ts';

/** The first line of a file that holds a secret. Throws `secret-unreadable`. */
export function readSecretFile(file: string): string {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new HoldfastError('secret-unreadable', { reason: reasonOf(error) }, error);
  }
  const [line = ''] = text.split(/\r?\n/);
  if (line === '') throw new HoldfastError('secret-unreadable', { reason: `the first line of ${file} is empty` });
  return line;
}
