/** From what was found to components: each with why, and whether it is sure. Values of secrets are never taken over, only their names. */
import type { ComposeService, ComposeMount } from './compose-file.ts';
import { fillIn } from './env-file.ts';
import type { Surroundings } from './look-around.ts';
import { findDatabaseAddress, findRedisAddress } from './propose-addresses.ts';
import { quote, quoteList } from './quote-yaml.ts';

export interface Proposal {
  readonly name: string;
  /** In one line, as YAML: `{ files: ./uploads }`. */
  readonly yaml: string;
  /** Sentences for the comment above it. */
  readonly why: readonly string[];
  /** What is not sure is written as a comment. */
  readonly sure: boolean;
}

const postgresImage = /(^|\/)(postgres|postgresql|postgis|timescaledb(-ha)?|pgvector|paradedb)(:|@|$)/i;
const redisImage = /(^|\/)(redis|redis-stack|redis-stack-server|valkey|keydb)(:|@|$)/i;
const uploadWord = /upload|media|storage|attachment|document|avatar|invoice|receipt/i;

export function isPostgres({ name, image, build, environment }: ComposeService): boolean {
  if (image !== '') return postgresImage.test(image);
  if (/postgres|(^|[\s/])pg($|[\s/])/i.test(build)) return true;
  return /^(db|database|postgres|postgresql|pg)$/i.test(name) && [...environment.keys()].some((key) => key.startsWith('POSTGRES_'));
}

export function isRedis({ name, image, build }: ComposeService): boolean {
  return image === '' ? /redis|valkey/i.test(build) || (build !== '' && /^(redis|valkey)$/i.test(name)) : redisImage.test(image);
}

/** In the order in which they should stand in the file. */
export function proposeComponents(found: Surroundings): Proposal[] {
  const services = found.compose?.services ?? [];
  const databases = services.filter(isPostgres);
  const caches = services.filter(isRedis);
  const proposals = [
    ...databases.map((service) => proposeDatabase(service, databases.length > 1, found)),
    ...(databases.length === 0 ? findDatabaseAddress(found.variables) : []),
    ...caches.map((service) => proposeCache(service, caches.length > 1, found)),
    ...(caches.length === 0 ? findRedisAddress(found.variables) : []),
    ...proposeUploads(found, [...databases, ...caches]),
    ...proposeConfig(found),
    ...(found.compose === undefined ? [] : [proposeLogs()]),
    ...proposeCode(found),
  ];
  return withOneAtLeast(withNamesOfTheirOwn(proposals));
}

function proposeDatabase({ name, image, environment }: ComposeService, several: boolean, { variables }: Surroundings): Proposal {
  const valueOf = (key: string): string | undefined => {
    const written = environment.get(key);
    const value = written === undefined ? variables.get(key) : fillIn(written, variables);
    return value === undefined || value === '' || value.includes('\0') ? undefined : value;
  };
  const user = valueOf('POSTGRES_USER') ?? 'postgres';
  const database = valueOf('POSTGRES_DB') ?? user;
  const unknown = ['POSTGRES_USER', 'POSTGRES_DB'].filter((key) => environment.has(key) && valueOf(key) === undefined);
  return {
    name: several ? `database-${name}` : 'database',
    yaml: `{ postgres: { service: ${quote(name)}, database: ${quote(database)}, user: ${quote(user)} } }`,
    why: [
      `The service "${name}" ${image === '' ? 'is built as a PostgreSQL server' : `runs the image ${image}`}.`,
      ...(unknown.length === 0 ? [] : [`The value of ${unknown.join(' and ')} was not found: check the names below.`]),
    ],
    sure: true,
  };
}

function proposeCache({ name, image, command, environment }: ComposeService, several: boolean, { variables }: Surroundings): Proposal {
  const variable = ['REDIS_PASSWORD', 'VALKEY_PASSWORD'].find((key) => environment.has(key) || variables.has(key));
  const wantsPassword = command.includes('requirepass') || variable !== undefined;
  const password = wantsPassword ? `, password: { env: ${variable ?? 'REDIS_PASSWORD'} }` : '';
  return {
    name: several ? `cache-${name}` : 'cache',
    yaml: `{ redis: { service: ${quote(name)}${password} } }`,
    why: [
      `The service "${name}" ${image === '' ? 'is built as a Redis server' : `runs the image ${image}`}.`,
      ...(wantsPassword
        ? [`It wants a password, which is taken from the variable ${variable ?? 'REDIS_PASSWORD'} when it is needed.`]
        : []),
    ],
    sure: true,
  };
}

function proposeUploads({ compose, uploadFolders }: Surroundings, servers: readonly ComposeService[]): Proposal[] {
  const mounts = (compose?.services ?? []).flatMap((service) => service.mounts.map((mount) => ({ mount, service })));
  const data = mounts.filter(({ service }) => !servers.includes(service));
  const proposals = new Map<string, Proposal>();
  for (const { mount, service } of data) {
    const looksLikeUploads = uploadWord.test(mount.source) || uploadWord.test(mount.target);
    const proposal =
      mount.kind === 'volume' ? proposeVolume(mount, service.name, looksLikeUploads) : proposeBind(mount, service.name, looksLikeUploads);
    const source = normalise(mount.source);
    if (proposal !== undefined && !proposals.has(source)) proposals.set(source, proposal);
  }
  for (const folder of uploadFolders) {
    const why = [`The folder ${folder} is there.`];
    if (!proposals.has(normalise(folder)))
      proposals.set(normalise(folder), { name: nameOf(folder), yaml: `{ files: ${quote(`./${folder}`)} }`, why, sure: true });
  }
  return [...proposals.values()];
}

function proposeVolume({ source, target }: ComposeMount, service: string, sure: boolean): Proposal {
  const doubt = sure ? [] : ['Is it data that must come back? Then take away the "#".'];
  return {
    name: nameOf(source),
    yaml: `{ files: { volume: ${quote(source)} } }`,
    why: [`The service "${service}" keeps this volume at ${target}.`, ...doubt],
    sure,
  };
}

/** Folders with sources are mounted too, in development; only what looks like uploads is data. */
function proposeBind({ source, target }: ComposeMount, service: string, looksLikeUploads: boolean): Proposal | undefined {
  if (!looksLikeUploads || /\.\w{1,5}$/.test(source)) return undefined;
  return {
    name: nameOf(source),
    yaml: `{ files: ${quote(source)} }`,
    why: [`The service "${service}" has this folder at ${target}.`],
    sure: true,
  };
}

function proposeConfig({ configFiles }: Surroundings): Proposal[] {
  if (configFiles.length === 0) return [];
  const why = ['Configuration, with the secrets in it, encrypted as everything in the repository is (secrets: template leaves them out).'];
  return [{ name: 'config', yaml: `{ config: { files: ${quoteList(configFiles)}, secrets: encrypted } }`, why, sure: true }];
}

function proposeLogs(): Proposal {
  return {
    name: 'logs',
    yaml: '{ logs: { services: all, days: 7 } }',
    why: ['What the services logged in the last 7 days, where that should be kept.'],
    sure: false,
  };
}

function proposeCode({ git }: Surroundings): Proposal[] {
  if (git === undefined) return [];
  const why = git.hasRemote
    ? ['Which commit of which git repository the code is; the code itself is where the repository is.']
    : ['The git repository has no remote, so the code is nowhere else: give it one, then take away the "#".'];
  return [{ name: 'code', yaml: '{ code: . }', why, sure: git.hasRemote }];
}

/** Relative paths without `./` and a slash at the end. */
function normalise(path: string): string {
  return path.replace(/^\.\//, '').replace(/\/+$/, '');
}

function nameOf(source: string): string {
  const word = normalise(source).split('/').at(-1) ?? '';
  return (
    word
      .replaceAll(/[^A-Za-z0-9_.-]/g, '-')
      .replace(/^[^A-Za-z]+/, '')
      .slice(0, 50) || 'data'
  );
}

function withNamesOfTheirOwn(proposals: readonly Proposal[]): Proposal[] {
  const taken = new Set(['point', 'report']);
  return proposals.map((proposal) => {
    let { name } = proposal;
    for (let count = 2; taken.has(name); count++) name = `${proposal.name}-${count}`;
    taken.add(name);
    return { ...proposal, name };
  });
}

/** A file without components is none: where nothing is sure, the folder itself is saved. */
function withOneAtLeast(proposals: readonly Proposal[]): Proposal[] {
  if (proposals.some(({ sure }) => sure)) return [...proposals];
  const why = [
    'Nothing was found that says what the application is made of, so this is the whole folder: replace it by what must come back.',
  ];
  const everything = '{ files: { path: ., exclude: [node_modules, backups, .holdfast-password] } }';
  return [{ name: 'files', yaml: everything, why, sure: true }, ...proposals];
}
