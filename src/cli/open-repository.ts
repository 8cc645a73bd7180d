/** Opens the repository that a command line and its environment name. */
import type { RepositoryConfiguration } from '../config/configuration.ts';
import { HoldfastError, isError } from '../errors.ts';
import type { Repository } from '../engine/repository.ts';
import type { LockChoice, SessionRequest } from '../operations/open-session.ts';
import type { Storage } from '../storage/storage.ts';
import { chooseRepository, readRepository } from './application-configuration.ts';
import type { CommandContext } from './command-context.ts';
import { readDuration } from './option-values.ts';
import { placeOf } from './place-options.ts';
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
  const named =
    words === ownWords
      ? await chooseRepository(context)
      : await readRepository(context, findAddress(context.options, context.environment, words.address));
  return openNamedRepository(context, named, words.password);
}

/** Opens one of the repositories of a configuration. */
export async function openNamedRepository(
  context: CommandContext,
  named: RepositoryConfiguration,
  words: PasswordWords = ownPassword,
): Promise<Repository> {
  const { openSession } = await import('../operations/open-session.ts');
  const place = await placeOf(context, named);
  const password = (): Promise<string> => passwordOf(context, named, words, 'existing');
  return recordOpening(context, (around) => openSession({ url: named.url, password, place, ...around }));
}

/** Opens one of the repositories of a configuration for some work, and closes it. */
export async function withNamedRepository<Result>(
  context: CommandContext,
  named: RepositoryConfiguration,
  work: (repository: Repository) => Promise<Result>,
): Promise<Result> {
  const repository = await openNamedRepository(context, named);
  try {
    return await work(repository);
  } finally {
    await repository.close();
  }
}

/** Opens the place of a repository, which need not be there. */
export async function openNamedPlace(context: CommandContext, named: RepositoryConfiguration): Promise<Storage> {
  const { openPlace } = await import('../operations/open-place.ts');
  return openPlace(named.url, await placeOf(context, named));
}

/** Opens a repository, and creates it where there is none: a first backup needs no preparation. */
export async function openOrCreateRepository(
  context: CommandContext,
  named?: RepositoryConfiguration,
  like?: Repository,
): Promise<Repository> {
  const chosen = named ?? (await chooseRepository(context));
  try {
    return await openNamedRepository(context, chosen);
  } catch (error) {
    if (!isError(error, 'repository-missing')) throw error;
    const repository = await createNamedRepository(context, chosen, like === undefined ? {} : { polynomialOf: like });
    context.output.remark(
      `created the repository ${repository.location} (format of restic, version ${repository.config.version}); without its password nothing in it can be read, so keep that safe`,
    );
    return repository;
  }
}

interface CreationExtras {
  readonly version?: 1 | 2;
  readonly polynomialOf?: Repository;
  readonly sameKeyAs?: Repository | undefined;
}

/** Creates a repository. Throws `repository-exists`. */
export async function createRepository(context: CommandContext, extras: CreationExtras = {}): Promise<Repository> {
  return createNamedRepository(context, await chooseRepository(context), extras);
}

async function createNamedRepository(context: CommandContext, named: RepositoryConfiguration, extras: CreationExtras): Promise<Repository> {
  const { createSession } = await import('../operations/open-session.ts');
  const place = await placeOf(context, named);
  const password = (): Promise<string> => passwordOf(context, named, ownPassword, 'new');
  return recordOpening(context, (around) => createSession({ url: named.url, ...extras, password, place, ...around }));
}

/** Whoever keeps a record of the run learns of every repository that it opens. */
async function recordOpening(
  { recorder }: CommandContext,
  open: (around: Pick<SessionRequest, 'around'>) => Promise<Repository>,
): Promise<Repository> {
  const repository = await open(recorder === undefined ? {} : { around: (storage) => recorder.around(storage) });
  await recorder?.opened(repository);
  return repository;
}

/** What the command line says wins over the configuration, and that over the environment. */
async function passwordOf(
  context: CommandContext,
  { url, password }: RepositoryConfiguration,
  words: PasswordWords,
  which: 'existing' | 'new',
): Promise<string> {
  const { options, environment } = context;
  if (password === undefined || options.has(words.fileOption) || options.has(words.commandOption))
    return givenPassword(context, words, url, which);
  const { readSecret } = await import('../config/read-secret.ts');
  return readSecret(password, { environment });
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
  // The past takes no locks, and needs none.
  return { noLock: options.has('no-lock') || options.has('as-of'), ...(waitMs === undefined ? {} : { waitMs }) };
}
