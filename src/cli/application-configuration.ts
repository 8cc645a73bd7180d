/** The configuration file that a command line means, and the repositories in it. */
import { resolve } from 'node:path';
import type { Configuration, RepositoryConfiguration } from '../config/configuration.ts';
import { HoldfastError } from '../errors.ts';
import type { ApplicationContext } from '../operations/application/application-tools.ts';
import type { CommandContext } from './command-context.ts';
import { findAddress, ownAddress } from './repository-address.ts';

/**
 * What `--config`, HOLDFAST_CONFIG, or the holdfast.yaml in this folder or above it means; undefined where there is no file. Throws
 * `configuration`, `configuration-missing`.
 */
export async function findConfiguration({ options, environment, recorder }: CommandContext): Promise<Configuration | undefined> {
  const named = { file: options.text('config'), folder: '.', environment };
  const { findConfigurationFile } = await import('../config/find-configuration-file.ts');
  const file = findConfigurationFile(named);
  if (file === undefined) return undefined;
  const { loadConfiguration } = await import('../config/load-configuration.ts');
  const configuration = loadConfiguration({ file, environment, profile: options.text('profile') });
  recorder?.configured(configuration);
  return configuration;
}

/** As `findConfiguration`, for what is nothing without one. Throws `configuration-missing` too where there is none. */
export async function requireConfiguration(context: CommandContext): Promise<Configuration> {
  const configuration = await findConfiguration(context);
  if (configuration !== undefined) return configuration;
  throw new HoldfastError('configuration-missing', { file: 'holdfast.yaml', reason: `there is none in ${process.cwd()} or above it` });
}

/**
 * The one repository that is meant: what `--repo` says, as a name in the configuration or an address; else the configuration's first; else what
 * the environment says. Throws `repository-none-named`.
 */
export async function chooseRepository(context: CommandContext): Promise<RepositoryConfiguration> {
  const { options, environment } = context;
  if (isRepositoryGiven(context)) return readRepository(context, findAddress(options, environment));
  const configuration = await findConfiguration(context);
  return configuration?.repositories[0] ?? { name: 'repository', url: findAddress(options, environment) };
}

/**
 * The repository of the configuration that has this address. Undefined where there is no configuration here, or it does not have it.
 * Throws as `findConfiguration`.
 */
export async function findConfiguredRepository(context: CommandContext, url: string): Promise<RepositoryConfiguration | undefined> {
  const configuration = await findConfiguration(context);
  return configuration?.repositories.find((each) => sameAddress(each.url, url));
}

/** Those of the configuration are absolute. */
function sameAddress(configured: string, given: string): boolean {
  const plain = (address: string): string => (/^[a-z]+:/i.test(address) ? address.replace(/\/+$/, '') : resolve(address));
  return plain(configured) === plain(given);
}

/** The repositories of a configured backup, in order: those of the configuration, unless `--repo` says which. */
export async function chooseRepositories(
  context: CommandContext,
  configuration: Configuration,
): Promise<readonly RepositoryConfiguration[]> {
  const given = context.options.texts(ownAddress.option);
  if (given.length > 0) return given.map((address) => namedIn(configuration, address));
  return isRepositoryGiven(context) ? [await chooseRepository(context)] : configuration.repositories;
}

function isRepositoryGiven({ options }: CommandContext): boolean {
  return options.has(ownAddress.option) || options.has(ownAddress.fileOption);
}

/** A name in the configuration, or an address. Only a plain word may be a name; everything else needs no configuration to be understood. */
export async function readRepository(context: CommandContext, address: string): Promise<RepositoryConfiguration> {
  return namedIn(/^[\w.-]+$/.test(address) ? await findConfiguration(context) : undefined, address);
}

function namedIn(configuration: Configuration | undefined, address: string): RepositoryConfiguration {
  return configuration?.repositories.find(({ name }) => name === address) ?? { name: address, url: address };
}

/** What work on an application is given. */
export async function applicationContext(context: CommandContext): Promise<ApplicationContext> {
  const { stateFolderOf } = await import('../util/state-folder.ts');
  const { events, signal, environment, clock } = context;
  return { events, signal, environment, clock, stateFolder: stateFolderOf(environment) };
}
