/** What the command line, the configuration and the environment say of the place where a repository lies. */
import type { RepositoryConfiguration, Secret } from '../config/configuration.ts';
import type { PlaceOptions } from '../operations/open-place.ts';
import type { CommandContext, Environment } from './command-context.ts';
import { readSize, readTime } from './option-values.ts';

/** Credentials of the configuration go before those of the environment. Throws `secret-unreadable`, `usage`. */
export async function placeOf(context: CommandContext, repository: RepositoryConfiguration): Promise<PlaceOptions> {
  const { options, environment, events } = context;
  const { credentials, storageClass, lock, limits } = repository;
  const uploadRate = options.value('limit-upload', readSize) ?? limits?.upload;
  const downloadRate = options.value('limit-download', readSize) ?? limits?.download;
  const asOf = options.value('as-of', readTime);
  const folder = options.text('cache-dir');
  return {
    environment: credentials === undefined ? environment : withOwn(environment, await readCredentials(credentials, context)),
    events,
    ...(storageClass === undefined ? {} : { storageClass }),
    ...(lock === undefined ? {} : { lock }),
    ...(limits?.connections === undefined ? {} : { connections: limits.connections }),
    ...(uploadRate === undefined ? {} : { uploadRate }),
    ...(downloadRate === undefined ? {} : { downloadRate }),
    ...(asOf === undefined ? {} : { asOf }),
    ...(options.has('no-cache') ? { cache: false } : folder === undefined ? {} : { cache: { folder } }),
  };
}

export async function readCredentials(
  credentials: Readonly<Record<string, Secret>>,
  { environment, signal }: CommandContext,
): Promise<Environment> {
  const { readSecret } = await import('../config/read-secret.ts');
  const read = Object.entries(credentials).map(
    async ([name, secret]) => [name, await readSecret(secret, { environment, signal })] as const,
  );
  return Object.fromEntries(await Promise.all(read));
}

const families = ['AWS_', 'AZURE_', 'GOOGLE_', 'RESTIC_REST_'];

/** Half of one key and half of another open nothing: where a repository brings one of a family, the environment's are left out. */
function withOwn(environment: Environment, own: Environment): Environment {
  const brought = families.filter((family) => Object.keys(own).some((name) => name.startsWith(family)));
  const others = Object.entries(environment).filter(([name]) => !brought.some((family) => name.startsWith(family)));
  return { ...Object.fromEntries(others), ...own };
}
