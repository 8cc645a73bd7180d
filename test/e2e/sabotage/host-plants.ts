/** What goes wrong with the machine: disks, clocks, what starts the jobs, and the ways on which people are told. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { parseLines, type RunResult } from '../../../src/cli/testing/run-holdfast.ts';
import { statusRecordSchema } from '../../../src/operations/status/status-record.ts';
import { systemClock } from '../../../src/util/clock.ts';
import { SmallDisk } from '../../harness/disks/small-disk.ts';
import { startSmtpServer, type SmtpServer } from '../../harness/watch/smtp-server.ts';
import { hook, unhook } from './access-plants.ts';
import type { Plant } from './plant.ts';
import type { CycleOptions, SabotageSystem } from './sabotage-system.ts';

/** What a plant made beside the system, for the test to take away. */
export const disks: SmallDisk[] = [];
export const mailServers: SmtpServer[] = [];

const dayMs = 86_400_000;
/** What was due in the day before was due more than an hour ago then, whatever the hour is. */
const lookLater = (system: SabotageSystem, days = 0): CycleOptions => ({
  jobs: ['status'],
  env: { SABOTAGE_CLOCK: String((system.day + days) * dayMs + 2 * 3_600_000) },
});

export const hostPlants: readonly Plant[] = [
  {
    name: 'The disk of the repository is full',
    plant: async (system) => {
      const disk = await moveToDisk(system, 64);
      disk.fill();
    },
    expect: { event: 'failure', severity: 'critical', text: /disk is full/ },
    mend: () => Promise.resolve(disks.at(-1)?.relieve()),
  },
  {
    name: 'The disk of the repository is nearly full',
    plant: async (system) => {
      const disk = await moveToDisk(system, 64);
      await writeFile(`${disk.folder}/others`, Buffer.alloc((64 - sizeOf(`${disk.folder}/repository`) - 2) * 1024 * 1024));
    },
    expect: { event: 'space', severity: 'critical', text: /nearly full.*Make room/ },
    mend: () => rm(`${disks.at(-1)?.folder ?? ''}/others`),
  },
  {
    name: 'The disk of the repository will be full within days',
    plant: async (system) => {
      const disk = await moveToDisk(system, sizeOf(system.path('repository')) + 1);
      const { free, growth } = await foreseen(system);
      await writeFile(`${disk.folder}/others`, Buffer.alloc(Math.max(0, free - 9 * growth)));
    },
    expect: { event: 'space', text: /full about 20\d\d-/ },
    mend: () => Promise.resolve(disks.at(-1)?.grow(4000)),
  },
  {
    name: 'The disk of the state folder is full',
    plant: async (system) => {
      const disk = makeDisk(system, 'small-state', 8);
      execFileSync('cp', ['-a', `${system.path('state')}/.`, disk.folder]);
      disk.fill();
      return { env: { HOLDFAST_STATE: disk.folder } };
    },
    expect: { event: 'daemon', text: /cannot be kept on disk|cannot remember/ },
  },
  {
    name: 'The state folder is none any more',
    plant: async (system) => {
      await rm(system.path('state'), { recursive: true });
      await writeFile(system.path('state'), 'something else');
    },
    expect: { event: 'daemon', severity: 'warning', text: /cannot remember.*state folder/ },
  },
  {
    name: 'The backup is started no more: its line in the crontab is gone',
    plant: (system) => Promise.resolve(lookLater(system)),
    expect: { event: 'missed', text: /backup.*was not run when it was due.*holdfast schedule install/ },
    mend: () => Promise.resolve(),
  },
  {
    name: 'Nothing was started for days',
    plant: (system) => Promise.resolve(lookLater(system, 3)),
    expect: { event: 'objective', severity: 'critical', component: 'database', text: /may be lost/ },
  },
  {
    name: 'The repository is checked no more',
    plant: (system) => Promise.resolve(lookLater(system)),
    expect: { event: 'missed', text: /check of local was not run when it was due/ },
  },
  {
    name: 'The drill is made no more',
    plant: (system) => Promise.resolve(lookLater(system)),
    expect: { event: 'missed', text: /drill daily was not run when it was due/ },
  },
  {
    name: 'Old points are removed no more',
    plant: (system) => Promise.resolve(lookLater(system)),
    expect: { event: 'missed', text: /prune of local was not run when it was due/ },
  },
  {
    name: 'A backup does not end: a command before it hangs',
    plant: (system) => hang(system, 'touch begun; while [ -e begun ]; do sleep 0.2; done'),
    expect: { event: 'missed', text: /backup.*does not end.*kill \d+/ },
    mend: endHanging,
  },
  {
    name: 'A backup does not end: a lock in the database keeps it waiting',
    plant: async (system) => {
      await system.cluster.query('CREATE TABLE IF NOT EXISTS holds (n int)', 'shop');
      void system.cluster.query('BEGIN; LOCK TABLE orders; SELECT pg_sleep(600)', 'shop').catch(() => {});
      return hang(system, 'touch begun');
    },
    expect: { event: 'missed', text: /backup.*does not end.*lock in the database/ },
    mend: async (system) => {
      await system.cluster.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'BEGIN; LOCK%'");
      await endHanging(system);
    },
  },
  {
    name: 'The clock of the machine was a year ahead',
    plant: async (system) => void (await system.job('backup', { env: { SABOTAGE_CLOCK: String((system.day + 366) * dayMs) } })),
    expect: { event: 'anomaly', severity: 'critical', text: /of the future.*holdfast forget/ },
  },
  {
    name: 'The clock of the machine is days behind',
    plant: (system) => Promise.resolve({ env: { SABOTAGE_CLOCK: String((system.day - 4) * dayMs) } }),
    expect: { event: 'anomaly', severity: 'critical', text: /of the future.*clock of this machine/ },
    mend: () => Promise.resolve(),
  },
  {
    name: 'A second repository does not get its copies',
    plant: async (system) => {
      const hour = (systemClock.now().getUTCHours() + 12) % 24;
      const hours = `${String(hour).padStart(2, '0')}:00-${String(hour).padStart(2, '0')}:30`;
      await system.configure((text) => text.replace('{ url: ./offsite', `{ url: ./offsite, limits: { hours: '${hours}' }`));
      for (let night = 0; night < 2; night += 1) {
        await system.job('backup');
        system.day += 1;
      }
    },
    expect: { event: 'missed', text: /offsite does not get its copies.*holdfast copy --repo offsite/ },
    mend: (system) => system.configure((text) => text.replace(/, limits: \{ hours: '[^']*' \}/, '')),
  },
  {
    name: 'A receiver of alarms fails',
    plant: (system) => failSecond(system, [500, 'out of order']),
    expect: { event: 'failure', severity: 'warning', text: /do not reach "second".*500.*holdfast notify test second/ },
    mend: healSecond,
  },
  {
    name: 'The secret of a receiver of alarms is valid no more',
    plant: (system) => failSecond(system, [401, 'who are you?']),
    expect: { event: 'failure', severity: 'warning', text: /do not reach "second".*401/ },
    mend: healSecond,
  },
  {
    name: 'The mail server refuses',
    plant: async (system) => {
      const server = await startSmtpServer({ refused: ['ops@example.org'] });
      mailServers.push(server);
      const route = `  - { name: mail, email: { to: ops@example.org, server: 'smtp://127.0.0.1:${server.port}' } }\n`;
      await system.configure((text) => `${text}${route}`);
      await hook(system, 'exit 1');
    },
    expect: { event: 'failure', severity: 'warning', text: /do not reach "mail"/ },
  },
];

function makeDisk(system: SabotageSystem, name: string, megabytes: number): SmallDisk {
  // Beside the folder, which is laid out anew each time.
  const disk = new SmallDisk(`${system.folder}.${name}`, megabytes);
  disks.push(disk);
  return disk;
}

async function moveToDisk(system: SabotageSystem, megabytes: number): Promise<SmallDisk> {
  const disk = makeDisk(system, 'small-disk', megabytes);
  execFileSync('cp', ['-a', system.path('repository'), disk.folder]);
  await system.configure((text) => text.replace('url: ./repository', `url: ${disk.folder}/repository`));
  return disk;
}

/** In megabytes, as it lies on a disk. */
function sizeOf(folder: string): number {
  return Number(execFileSync('du', ['-sm', folder], { encoding: 'utf8' }).split('\t')[0]);
}

const hanging: Promise<RunResult>[] = [];

/** Begins a backup that does not end by itself, and looks a day later. */
async function hang(system: SabotageSystem, command: string): Promise<CycleOptions> {
  await hook(system, command);
  hanging.push(system.job('backup'));
  for (let turn = 0; !existsSync(system.path('begun')); turn += 1) {
    if (turn > 600) throw new Error('The backup did not begin.');
    await wait(100);
  }
  return lookLater(system, 1);
}

/** As the alarm says. */
async function endHanging(system: SabotageSystem): Promise<void> {
  const { stdout } = await system.run(['history', '--json']);
  const run = parseLines(stdout).find(({ status }) => status === 'running');
  process.kill(Number(run?.['pid']), 'SIGTERM');
  await hanging.pop();
  await unhook(system);
}

/** What holdfast says of the disk of the repository. */
async function foreseen(system: SabotageSystem): Promise<{ readonly free: number; readonly growth: number }> {
  const { stdout } = await system.run(['status', '--json']);
  const [found] = statusRecordSchema.parse(
    parseLines(stdout).find((record) => record['message_type'] === 'application_status'),
  ).repositories;
  return { free: found?.free ?? 0, growth: found?.growth_per_day ?? 0 };
}

/** Something has to be told for it to be noticed. */
async function failSecond(system: SabotageSystem, answer: readonly [number, string]): Promise<void> {
  await hook(system, 'exit 1');
  system.hooks.answer = ({ path }) => (path === '/second' ? answer : [200, '']);
}

async function healSecond(system: SabotageSystem): Promise<void> {
  system.hooks.answer = () => [200, ''];
  await unhook(system);
}
