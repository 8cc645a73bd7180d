/** Which repository is meant: the option, then the environment, holdfast's own names before restic's. */
import { readFileSync } from 'node:fs';
import { HoldfastError, reasonOf } from '../errors.ts';
import type { Environment } from './command-context.ts';
import type { ParsedOptions } from './parsed-options.ts';

/** The words of the options and variables: those of the repository itself, or of the one that is copied from. */
export interface AddressWords {
  /** `repo`, `from-repo`. */
  readonly option: string;
  readonly fileOption: string;
  /** `REPOSITORY`, `FROM_REPOSITORY`. */
  readonly variable: string;
}

export const ownAddress: AddressWords = { option: 'repo', fileOption: 'repository-file', variable: 'REPOSITORY' };
export const fromAddress: AddressWords = { option: 'from-repo', fileOption: 'from-repository-file', variable: 'FROM_REPOSITORY' };

/** The repository's address. Throws `repository-none-named`, and `usage` for more than one or a file that cannot be read. */
export function findAddress(options: ParsedOptions, environment: Environment, words: AddressWords = ownAddress): string {
  options.onlyOneOf(words.option, words.fileOption);
  const given = new Set(options.texts(words.option));
  if (given.size > 1) throw options.wrong(`--${words.option} was given more than once, and one repository at a time is possible`);
  const [url] = given;
  if (url !== undefined) return url;
  const file = options.text(words.fileOption);
  if (file !== undefined) return readAddress(file, options);
  for (const program of ['HOLDFAST', 'RESTIC']) {
    const plain = environment[`${program}_${words.variable}`];
    if (plain) return plain;
    const named = environment[`${program}_${words.variable}_FILE`];
    if (named) return readAddress(named, options);
  }
  if (words === fromAddress) throw options.wrong('no repository to copy from was named; give --from-repo URL');
  throw new HoldfastError('repository-none-named');
}

function readAddress(file: string, options: ParsedOptions): string {
  let text: string;
  try {
    text = readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw options.wrong(`the file with the repository's address cannot be read (${reasonOf(error)})`);
  }
  if (text === '') throw options.wrong(`the file ${file} holds no address of a repository`);
  return text;
}
