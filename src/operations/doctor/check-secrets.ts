/** Whether the secrets that the configuration names are there, and whether others can read them too. */
import { stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Configuration, Secret } from '../../config/configuration.ts';
import { readSecret } from '../../config/read-secret.ts';
import { isError, reasonOf } from '../../errors.ts';
import { shellWord } from '../../util/shell-word.ts';
import { failed, failedWith, ok, warning, type Check } from './check.ts';
import { modeText } from './check-host.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const passwordFiles = ['HOLDFAST_PASSWORD_FILE', 'RESTIC_PASSWORD_FILE', 'HOLDFAST_REPOSITORY_FILE'];

/** Commands are not run: they may cost something, or ask somebody. */
export async function* checkSecrets(configuration: Configuration, environment: Environment): AsyncGenerator<Check> {
  const secrets = secretsOf(configuration);
  if (secrets.some((secret) => 'value' in secret) || hasPasswordInAddress(configuration))
    yield await checkInlineSecrets(configuration.file);
  const files = [...secrets.flatMap((secret) => ('file' in secret ? [secret.file] : [])), ...filesIn(environment)];
  for (const file of new Set(files)) yield await checkSecretFile(file);
  if (configuration.components.some(({ source }) => 'at' in source && 'url' in source.at)) yield* checkPasswordFile(environment);
  const names = new Set(secrets.flatMap((secret) => ('env' in secret ? [secret.env] : [])));
  for (const name of names) yield await checkVariable(name, environment);
}

function filesIn(environment: Environment): string[] {
  return passwordFiles.flatMap((name) => environment[name] || []);
}

function secretsOf({ repositories, components, archives = [], serve, notify = [] }: Configuration): Secret[] {
  const values: unknown[] = [
    ...repositories.flatMap(({ password, credentials = {} }) => [password, ...Object.values(credentials)]),
    ...components.flatMap(({ source }) => {
      if (!('at' in source)) return [];
      const { at } = source;
      return [
        'url' in at ? at.url : undefined,
        'password' in at ? at.password : undefined,
        'password' in source ? source.password : undefined,
      ];
    }),
    ...archives.flatMap(({ credentials = {}, encrypt }) => [...Object.values(credentials), encrypt?.passphrase]),
    ...(serve?.tokens ?? []).map(({ token }) => token),
    ...notify.flatMap(({ to }) =>
      Object.values(to).flatMap((value: unknown) => (isRecord(value) && !isSecret(value) ? Object.values(value) : [value])),
    ),
  ];
  return values.filter(isSecret);
}

function hasPasswordInAddress({ repositories, components }: Configuration): boolean {
  const addresses = [
    ...repositories.map(({ url }) => url),
    ...components.flatMap(({ source }) =>
      'at' in source && 'url' in source.at && typeof source.at.url === 'string' ? [source.at.url] : [],
    ),
  ];
  return addresses.some((address) => /:\/\/[^/@]*:[^/@]+@/.test(address));
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isSecret(value: unknown): value is Secret {
  return isRecord(value) && ['value', 'file', 'env', 'command'].some((key) => typeof value[key] === 'string');
}

async function checkInlineSecrets(file: string): Promise<Check> {
  const name = 'configuration: mode';
  const { mode } = await stat(file);
  if ((mode & 0o007) === 0) return ok(name, `only its owner and its group may read ${file}, in which secrets stand`);
  return warning(
    name,
    `everybody may read ${file} (${modeText(mode)}), and secrets stand in it`,
    `Take that away, or put the secrets into files of their own (password: { file: … }):\nchmod 600 ${shellWord(file)}`,
  );
}

async function checkSecretFile(file: string): Promise<Check> {
  const name = `configuration: secret ${file}`;
  try {
    await readSecret({ file }, { environment: {} });
    const { mode } = await stat(file);
    if ((mode & 0o027) === 0) return ok(name, 'it can be read, and not by everybody');
    const who = (mode & 0o007) === 0 ? 'its group may write it' : 'everybody may read or write it';
    return warning(name, `${who} (${modeText(mode)})`, `Take that away:\nchmod 600 ${shellWord(file)}`);
  } catch (error) {
    return failedWith(name, error);
  }
}

/** Where there is one of PostgreSQL's own. */
async function* checkPasswordFile({ PGPASSFILE, HOME }: Environment): AsyncGenerator<Check> {
  const file = PGPASSFILE || join(HOME || homedir(), '.pgpass');
  const found = await stat(file).catch(() => undefined);
  if (found === undefined) return;
  const name = `configuration: secret ${file}`;
  yield (found.mode & 0o077) === 0
    ? ok(name, 'only its owner may read it')
    : warning(
        name,
        `others may read it (${modeText(found.mode)}), so PostgreSQL's own programs pass over it`,
        `Take that away:\nchmod 600 ${shellWord(file)}`,
      );
}

async function checkVariable(variable: string, environment: Environment): Promise<Check> {
  const name = `configuration: secret $${variable}`;
  try {
    await readSecret({ env: variable }, { environment });
    return ok(name, 'it is set');
  } catch (error) {
    const remedy = `Set it where holdfast runs: in the unit's environment file, the service of the daemon, or before the command:\nexport ${variable}=…`;
    return failed(name, isError(error, 'secret-unreadable') ? String(error.details['reason']) : reasonOf(error), remedy);
  }
}
