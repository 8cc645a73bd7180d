/** Opens the repository that a command line and its environment name. */
import { HoldfastError, isError } from '../errors.ts';
import type { Repository } from '../engine/repository.ts';
import type { LockChoice } from '../operations/open-session.ts';
import type { CommandContext } from './command-context.ts';
import { readDuration } from './option-values.ts';
import { findPassword, ownPassword, type PasswordWords } from './password-source.ts';
import { findAddress, ownAddress, type AddressWords } from './repository-address.ts';

/** The words for the repository itself, or for the one that is copied from. */
export interface RepositoryWords {
  readonly address: AddressWords;
  readonly password: PasswordWords;
}

const ownWords: RepositoryWords = { address: ownAddress, password: ownPassword };

/** Opens an existing repository. The password is asked for on a terminal where it was not given. Throws `repository-none-named`, `repository-missing`, `password-missing`, `password-wrong`, … */
export async function openRepository(context: CommandContext, words: RepositoryWords = ownWords): Promise<Repository> {
  const url = findAddress(context.options, context.environment, words.address);
  const { openSession } = await import('../operations/open-session.ts');
  return openSession({
    url,
    password: () => givenPassword(context, words.password, url, 'existing'),
  });
}

/** Opens a repository, and creates it where there is none: a first backup needs no preparation. */
export async function openOrCreateRepository(context: CommandContext): Promise<Repository> {
  try {
    return await openRepository(context);
  } catch (error) {
    if (!isError(error, 'repository-missing')) throw error;
    const repository = await createRepository(context);
    context.output.remark(
      `created the repository ${repository.location} (format of restic, version ${repository.config.version}); without its password nothing in it can be read, so keep that safe`,
    );
    return repository;
  }
}

/** Creates a repository. Throws `repository-exists`. */
export async function createRepository(
  context: CommandContext,
  extras: { readonly version?: 1 | 2; readonly polynomialOf?: Repository } = {},
): Promise<Repository> {
  const url = findAddress(context.options, context.environment);
  const { createSession } = await import('../operations/open-session.ts');
  return createSession({
    url,
    ...extras,
    password: () => givenPassword(context, ownPassword, url, 'new'),
  });
}

/** A password from the options or the environment, else from the terminal, where a new one is asked for twice. Throws `password-missing` and its kin. */
export async function givenPassword(
  context: CommandContext,
  words: PasswordWords,
  location: string,
  which: 'existing' | 'new',
): Promise<string> {
  const given = await findPassword(context.options, context.environment, words);
  if (given !== undefined) return given;
  const { askNewPassword, askPassword, isInteractive } = await import('./ask.ts');
  if (!isInteractive()) throw new HoldfastError(words.missing, { location });
  return which === 'new' ? askNewPassword(location) : askPassword(`password for ${location}`);
}

/** How the command line wants the repository locked. */
export function lockChoice({ options }: CommandContext): LockChoice {
  const waitMs = options.value('wait-lock', readDuration) ?? options.value('retry-lock', readDuration);
  return { noLock: options.has('no-lock'), ...(waitMs === undefined ? {} : { waitMs }) };
}
