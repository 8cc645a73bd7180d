/** The page for the worst day of one application: what is protected where, what was promised, and every command in order. Pure. */
import type {
  Configuration,
  KeepConfiguration,
  RepositoryConfiguration,
  ScheduleConfiguration,
  Secret,
} from '../../config/configuration.ts';
import { sayDuration } from '../../policy/say-duration.ts';
import { completeAddress, publicAddress, resticAddress } from '../../storage/restic-address.ts';
import { parseStorageAddress } from '../../storage/storage-address.ts';
import { shellWord } from '../../util/shell-word.ts';
import type { RecoveryPlan } from '../application/recovery-plan.ts';
import type { ReadStatus } from '../status/read-status.ts';
import type { ComponentStatus } from '../status/status-report.ts';
import type { Block, Page } from './page.ts';

export interface RunbookFacts extends ReadStatus {
  readonly configuration: Configuration;
  /** What a recovery of the newest point would do; absent where there is none. */
  readonly plan?: RecoveryPlan;
  /** The addresses of those who are told, without secrets. */
  readonly told: readonly { readonly name: string; readonly address: string }[];
  /** This machine. */
  readonly host: string;
  /** What only it says of a repository's place is written down. */
  readonly environment: NodeJS.ProcessEnv;
}

export function makeRunbook(given: RunbookFacts): Page {
  const facts = { ...given, configuration: withWholeAddresses(given) };
  const { configuration, status, host } = facts;
  return {
    title: `Recovery of ${configuration.application}`,
    blocks: [
      {
        text: `Made by holdfast on ${timeText(status.at)} on the machine ${host}, from ${configuration.file} and what the repositories hold. Print it, and keep it where a fire on that machine does not reach it.`,
      },
      ...promisedBlocks(facts),
      ...placeBlocks(facts),
      ...toldBlocks(facts),
      ...recoveryBlocks(facts),
      ...partBlocks(facts),
      ...withoutBlocks(facts),
      ...afterBlocks(facts),
      ...drillBlocks(facts),
    ],
  };
}

const never = 'never';

function withWholeAddresses({ configuration, environment }: RunbookFacts): Configuration {
  const whole = ({ url, ...rest }: RepositoryConfiguration): RepositoryConfiguration => ({
    ...rest,
    url: completeAddress(url, environment),
  });
  return { ...configuration, repositories: configuration.repositories.map(whole) };
}

function promisedBlocks({ configuration, status }: RunbookFacts): Block[] {
  const row = (name: string, what: string, judged: Partial<ComponentStatus>, schedule?: ScheduleConfiguration): string[] => [
    name,
    what,
    schedule === undefined ? '' : scheduleText(schedule),
    judged.restorable === undefined ? '' : timeText(judged.restorable),
    judged.rpo === undefined ? '' : sayDuration(judged.rpo.targetMs),
    judged.rto === undefined ? '' : sayDuration(judged.rto.targetMs),
    judged.estimate === undefined ? 'not measured' : sayDuration(judged.estimate.medianMs),
    judged.newestProven === undefined ? never : timeText(judged.newestProven.at),
  ];
  const rows = status.components.map((judged) => {
    const component = configuration.components.find(({ name }) => name === judged.name);
    return row(judged.name, component?.source.kind ?? '', judged, component?.schedule);
  });
  const { whole } = status;
  return [
    { heading: 'What is protected, and what was promised' },
    {
      head: ['component', 'kind', 'saved', 'newest moment', 'may lose', 'back within', 'takes', 'proven'],
      rows: whole === undefined ? rows : [...rows, [...row('everything', '', whole).slice(0, -1), '']],
    },
  ];
}

function placeBlocks({ configuration, status }: RunbookFacts): Block[] {
  return [
    { heading: 'Where the backups are' },
    {
      head: ['repository', 'address', 'points', 'newest', 'kept', 'password'],
      rows: configuration.repositories.map((repository) => {
        const seen = status.repositories.find(({ name }) => name === repository.name);
        return [
          repository.name,
          publicAddress(repository.url),
          seen?.points === undefined ? 'not reached' : String(seen.points),
          seen?.newest === undefined ? '' : timeText(seen.newest),
          keepText(repository.keep),
          secretText(repository.password),
        ];
      }),
    },
  ];
}

function toldBlocks({ told }: RunbookFacts): Block[] {
  return [
    { heading: 'Who is told' },
    told.length === 0
      ? { text: 'Nobody: the configuration names no one under notify.' }
      : { head: ['name', 'address'], rows: told.map(({ name, address }) => [name, address]) },
    { text: 'Tell the people who use the application that it is down, when you expect it back, and when it is.' },
  ];
}

function recoveryBlocks({ configuration, plan, facts }: RunbookFacts): Block[] {
  const address = shellWord(publicAddress(bestAddress(configuration)));
  const last = facts.repositories.flatMap(({ recoveries }) => recoveries).toSorted((a, b) => b.at.getTime() - a.at.getTime())[0];
  return [
    { heading: 'Everything back, on an empty machine' },
    {
      text: 'It needs holdfast (Node 24 or newer), the address of a repository, and its password. The configuration comes from the repository.',
    },
    {
      commands: [
        "export HOLDFAST_PASSWORD='…'",
        `holdfast list -r ${address}`,
        `holdfast recover -r ${address} --dry-run`,
        `holdfast recover -r ${address}`,
        `holdfast recover -r ${address} --resume   # goes on where a step failed`,
      ],
    },
    ...(plan === undefined
      ? [{ text: 'There is no point to recover from yet.' }]
      : [
          { text: `From the point ${plan.point.id.slice(0, 8)} of ${plan.point.time} it does this, in order:` },
          {
            numbered: plan.steps.map(({ name, lastSeconds }) =>
              lastSeconds === undefined ? name : `${name} (${sayDuration(lastSeconds * 1000)} the last time)`,
            ),
          },
        ]),
    {
      text:
        last === undefined
          ? 'The whole was never recovered yet.'
          : `The last recovery of the whole took ${sayDuration(last.seconds * 1000)}, on ${timeText(last.at)}.`,
    },
  ];
}

function partBlocks({ configuration }: RunbookFacts): Block[] {
  const address = shellWord(publicAddress(bestAddress(configuration)));
  const parts = configuration.components.filter(({ partOf }) => partOf === undefined);
  const moments = configuration.components.filter(({ source }) => source.kind === 'postgres-base');
  return [
    { heading: 'One part of it' },
    { text: 'With the configuration at hand each shows its plan first, and keeps a copy of what it overwrites:' },
    { commands: parts.map(({ name }) => `holdfast restore --component ${shellWord(name)}`) },
    ...(moments.length === 0
      ? []
      : [
          { text: 'The database server as it was at a moment:' },
          {
            commands: moments.map(({ name, partOf = name }) => `holdfast restore --component ${shellWord(partOf)} --at "yesterday 14:30"`),
          },
        ]),
    { text: 'To look into a backup without touching anything:' },
    { commands: [`holdfast ls -r ${address} latest`, `holdfast show latest -r ${address}`] },
  ];
}

function withoutBlocks({ configuration }: RunbookFacts): Block[] {
  const address = shellWord(resticAddress(bestAddress(configuration)));
  const kinds = new Set(configuration.components.map(({ source }) => source.kind));
  return [
    { heading: 'Without holdfast' },
    { text: 'Any restic (0.14 or newer) opens the repository. Each component is a snapshot of its own, with its name as a tag:' },
    {
      commands: [
        "export RESTIC_PASSWORD='…'",
        `restic -r ${address} snapshots`,
        ...configuration.components.map(
          ({ name }) =>
            `restic -r ${address} restore latest --tag ${shellWord(`component:${name}`)} --target ${shellWord(`./back/${name}`)}`,
        ),
      ],
    },
    ...(kinds.has('postgres')
      ? [
          { text: "A database is then a dump below postgres/, which PostgreSQL's own programs put back:" },
          { commands: ['createdb NEW', 'pg_restore --dbname NEW --no-owner ./back/COMPONENT/postgres/NAME/database.dump'] },
        ]
      : []),
    ...(kinds.has('postgres-base')
      ? [{ text: 'A base backup is then a data directory, which the same version of PostgreSQL starts.' }]
      : []),
    ...(kinds.has('redis') ? [{ text: 'Redis reads its dump.rdb when it starts: put it into its folder while it is stopped.' }] : []),
  ];
}

function afterBlocks({ configuration: { recovery } }: RunbookFacts): Block[] {
  const { health, smoke } = recovery;
  const checks = [
    ...(health === undefined ? [] : ['url' in health ? `${health.url} answers` : `the service ${health.service} is healthy`]),
    ...smoke.map((test) => ('sql' in test ? `SQL: ${test.sql}` : 'http' in test ? `${test.http} answers` : `succeeds: ${test.run}`)),
  ];
  return [
    { heading: 'Afterwards' },
    ...(checks.length === 0 ? [] : [{ text: 'The recovery asks these by itself; ask them again when people are back:' }, { list: checks }]),
    { commands: ['holdfast status', 'holdfast backup', 'holdfast drill'] },
  ];
}

function drillBlocks({ facts }: RunbookFacts): Block[] {
  const drills = facts.repositories
    .flatMap(({ drills: all }) => all)
    .toSorted((a, b) => Date.parse(b.ended) - Date.parse(a.ended))
    .slice(0, 10);
  return [
    { heading: 'What was tried' },
    drills.length === 0
      ? { text: 'No drill yet: holdfast drill' }
      : {
          head: ['when', 'drill', 'kind', 'result', 'took', 'report'],
          rows: drills.map(({ ended, drill, kind, verdict, seconds, id }) => [
            timeText(new Date(ended)),
            drill ?? 'by hand',
            kind,
            verdict,
            sayDuration(seconds * 1000),
            id,
          ]),
        },
  ];
}

/** The one that is still there when this machine is not: one that is not a folder of it, where there is one. */
function bestAddress({ repositories }: Configuration): string {
  const [first] = repositories;
  const away = repositories.find(({ url }) => parseStorageAddress(url).scheme !== 'local') ?? first;
  return away?.url ?? 'REPOSITORY';
}

function timeText(at: Date): string {
  return `${at.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

function scheduleText({ cron, onChange, everyMs, timezone }: ScheduleConfiguration): string {
  if (onChange === true) return 'when it changes';
  if (cron === undefined) return `every ${sayDuration(everyMs ?? 0)}`;
  return timezone === undefined ? cron : `${cron} (${timezone})`;
}

function keepText(keep: KeepConfiguration | undefined): string {
  const rules = Object.entries(keep ?? {}).map(([rule, count]) => `${count} ${rule}`);
  return rules.length === 0 ? 'everything' : rules.join(', ');
}

function secretText(secret: Secret | undefined): string {
  if (secret === undefined) return 'HOLDFAST_PASSWORD, or its kin';
  if ('file' in secret) return `in the file ${secret.file}`;
  if ('env' in secret) return `in $${secret.env}`;
  return 'command' in secret ? 'printed by a command of the configuration' : 'in the configuration';
}
