/** The text of a holdfast.yaml, with a comment for everything that was found. */
import { basename } from 'node:path';
import { isPostgres, isRedis, proposeComponents, type Proposal } from './propose-components.ts';
import type { Surroundings } from './look-around.ts';
import { quote } from './quote-yaml.ts';

export interface RepositoryChoice {
  /** As it should stand in the file. */
  readonly address: string;
  /** As YAML: `{ file: .holdfast-password }`; absent where it comes from the environment. */
  readonly password?: string;
}

/** What was decided, as the file and for telling. */
export interface WrittenConfiguration {
  readonly application: string;
  readonly text: string;
  readonly components: readonly Proposal[];
}

export function writeConfiguration(found: Surroundings, repository: RepositoryChoice): WrittenConfiguration {
  const application = applicationOf(found);
  const components = proposeComponents(found);
  const sections = [
    [
      '# What this application is made of, and where its backups go. Written by `holdfast init` from what it found in this folder:',
      '# read it once, line by line. Lines that begin with "#" were not sure, or are for you to decide.',
      '# Is it right?  holdfast config check      Every key: docs/configuration.md',
    ],
    [`application: ${quote(application)}`],
    writeCompose(found),
    writeRepositories(repository),
    ['components:', ...components.flatMap(writeComponent)],
    writeRecovery(found),
  ];
  const text = sections
    .filter((lines) => lines.length > 0)
    .map((lines) => `${lines.join('\n')}\n`)
    .join('\n');
  return { application, text, components };
}

function applicationOf({ compose, folder }: Surroundings): string {
  return (compose?.project ?? basename(folder)).replaceAll(/[\x00-\x1f\x7f]/g, '').slice(0, 100) || 'app';
}

function writeCompose({ compose, unreadableCompose }: Surroundings): string[] {
  if (unreadableCompose !== undefined)
    return [`# ${unreadableCompose} is there, but could not be read: its services are not in this file.`];
  if (compose === undefined) return [];
  return ['# Where services are looked up.', `compose: { file: ${quote(compose.file)}, project: ${quote(compose.project)} }`];
}

function writeRepositories({ address, password }: RepositoryChoice): string[] {
  const secret =
    password === undefined
      ? '# Its password is that of HOLDFAST_PASSWORD and its kin; without it nothing in the repository can be read.'
      : '# Without its password nothing in it can be read: keep a copy of that somewhere else.';
  return [
    'repositories:',
    `  ${secret}`,
    `  local: { url: ${quote(address)}${password === undefined ? '' : `, password: ${password}`}, keep: { daily: 7, weekly: 4, monthly: 12 } }`,
    '  # A fire takes the machine and the backups on it: put a second copy on another disk, in another place.',
    `  # offsite: { url: /mnt/other-disk/backups${password === undefined ? '' : `, password: ${password}`}, keep: { daily: 30, weekly: 12, monthly: 12, yearly: 7 } }`,
  ];
}

function writeComponent({ name, yaml, why, sure }: Proposal): string[] {
  return [...why.map((sentence) => `  # ${oneLine(sentence)}`), `  ${sure ? '' : '# '}${name}: ${yaml}`];
}

function writeRecovery({ compose, migration }: Surroundings): string[] {
  const services = compose?.services ?? [];
  const servers = services.filter((service) => isPostgres(service) || isRedis(service));
  const names = new Set(servers.map(({ name }) => name));
  const users = services.filter(({ name, dependsOn }) => !names.has(name) && dependsOn.some((other) => names.has(other)));
  const main = users.find(({ ports }) => ports.length > 0) ?? users[0] ?? services.find((service) => !servers.includes(service));
  const port = main?.ports.find((each) => /^\d+$/.test(each));
  const inside = main === undefined ? '' : `service: ${quote(main.name)}, `;
  const lines = [
    ...(users.length === 0
      ? ['  # Services that are stopped while data is put back:', '  # quiesce: [web]']
      : [
          '  # Stopped while data is put back, because they use the database:',
          `  quiesce: [${users.map(({ name }) => quote(name)).join(', ')}]`,
        ]),
    '  # Run when data is back:',
    `  # after: [{ ${inside}run: ${quote(migration ?? './migrate')} }]`,
    ...(main?.hasHealthCheck === true
      ? ['  # It has a health check of its own:', `  health: { service: ${quote(main.name)}, within: 2m }`]
      : ['  # When the application counts as up:', `  # health: { url: "http://localhost:${port ?? '8080'}/health", within: 2m }`]),
    '  # What must hold then:',
    '  # smoke: [{ sql: "select count(*) > 0 from users" }]',
  ];
  // A key without a value is an error.
  return lines.some((line) => !line.startsWith('  #'))
    ? ['recovery:', ...lines]
    : ['# recovery:', ...lines.map((line) => `#${line.replace('  # ', '   ')}`)];
}

function oneLine(text: string): string {
  return text.replaceAll(/[\x00-\x1f\x7f\u0085\u2028\u2029]+/g, ' ');
}
