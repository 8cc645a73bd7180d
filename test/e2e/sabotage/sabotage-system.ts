/**
 * A real application for sabotage: a PostgreSQL database, a Redis, uploads, configuration and code, whose backups, checks and drills are run as crontab runs
 * them, and an HTTP receiver that is told what is wrong. A few sound days lie behind it; a copy of them is laid out again for each plant, in the same folder.
 */
import { execFile } from 'node:child_process';
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';
import { mainFile, makeWorkplace, password, runHoldfast, type RunOptions, type RunResult } from '../../../src/cli/testing/run-holdfast.ts';
import { cheapenKey } from '../../../src/engine/tree/testing/quick-restic.ts';
import { startThrowAwayRedis, type ThrowAwayRedis } from '../../../src/sources/redis/testing/throw-away-redis.ts';
import { startCluster, type ThrowawayCluster } from '../../harness/postgres/throwaway-cluster.ts';
import { startHookServer, type HookRequest, type HookServer } from '../../harness/watch/hook-server.ts';
import { beginData, databasePassword, fillCache, growData } from './sabotage-data.ts';

/** One alarm of a message that came to the receiver. */
export type ToldAlarm = z.infer<typeof alarmSchema>;
const alarmSchema = z.object({
  state: z.enum(['open', 'still-open', 'resolved', 'note']),
  event: z.string(),
  severity: z.enum(['info', 'warning', 'critical']),
  key: z.string(),
  component: z.string().optional(),
  title: z.string(),
  text: z.string(),
});
const messageSchema = z.looseObject({ alarms: z.array(alarmSchema) });

const dayMs = 86_400_000;
/** Of Debian. */
export const nobody = 65_534;
const run = promisify(execFile);

export interface CycleOptions {
  /** Beyond what crontab's line sets. */
  readonly env?: Readonly<Record<string, string>>;
  /** The jobs of the day; all of them where it is not said. */
  readonly jobs?: readonly (keyof typeof dailyJobs)[];
  /** Nothing happens in the application that day. */
  readonly still?: boolean;
  /** The jobs are run by a user who has no rights beyond those of everybody; what is in the folder is his. */
  readonly isNobody?: boolean;
  /** Other programs in place of these, for the jobs alone: the paths of both. Only root may. */
  readonly programs?: Readonly<Record<string, string>>;
}

/** What a night does, in the order of their hours. */
export const dailyJobs = {
  backup: ['backup'],
  check: ['check', '--read-data'],
  drill: ['drill', 'daily'],
  status: ['status'],
  log: ['drill', 'log'],
} as const;

/** How many sound days there are before the first cycle. */
const soundDays = 10;

export interface SystemOptions {
  /** For the parts of holdfast.yaml that a file of tests wants otherwise. */
  readonly configuration?: (text: string) => string;
}

/** Takes half a minute. */
export async function makeSabotageSystem(options: SystemOptions = {}): Promise<SabotageSystem> {
  const [cluster, redis, hooks, place] = [
    await startCluster({ settings: { max_replication_slots: '4' } }),
    await startThrowAwayRedis(),
    await startReceiver(),
    await makeWorkplace(),
  ];
  const system = new SabotageSystem({ cluster, redis, hooks, place });
  try {
    await system.begin(options.configuration ?? ((text) => text));
    return system;
  } catch (error) {
    await system.remove();
    throw error;
  }
}

interface Receiver extends HookServer {
  /** What it answers from now on; 200 at first. */
  answer: (request: HookRequest) => readonly [number, string];
}

async function startReceiver(): Promise<Receiver> {
  const receiver: { answer: Receiver['answer'] } = { answer: () => [200, ''] };
  return Object.assign(receiver, await startHookServer((request) => receiver.answer(request)));
}

interface SystemParts {
  readonly cluster: ThrowawayCluster;
  readonly redis: ThrowAwayRedis;
  readonly hooks: Receiver;
  readonly place: Awaited<ReturnType<typeof makeWorkplace>>;
}

export class SabotageSystem {
  readonly cluster: ThrowawayCluster;
  readonly redis: ThrowAwayRedis;
  readonly hooks: Receiver;
  /** holdfast.yaml, uploads, code, repository and state folder lie in it. */
  readonly folder: string;
  /** The day of the next cycle: 0 is today, and those before it are behind it. */
  day = -soundDays;
  readonly path = (...names: string[]): string => join(this.folder, ...names);
  readonly #remove: () => Promise<void>;
  #heard = 0;

  constructor({ cluster, redis, hooks, place }: SystemParts) {
    this.cluster = cluster;
    this.redis = redis;
    this.hooks = hooks;
    this.folder = join(place.folder, 'shop');
    this.#remove = () => place.remove();
  }

  /** Makes the application, lives its sound days and lays them aside. Throws where anybody was told of anything. */
  async begin(configuration: (text: string) => string): Promise<void> {
    await chmod(dirname(this.folder), 0o755);
    await mkdir(this.folder);
    await beginData(this);
    await writeFile(this.path('holdfast.yaml'), configuration(this.#configurationText()));
    while (this.day < 0) {
      const told = await this.cycle(this.day < -1 ? { jobs: ['backup'] } : {});
      if (told.length > 0) throw new Error(`A sound day was told of: ${JSON.stringify(told)}`);
      // Hundreds of runs open it.
      if (this.day === 1 - soundDays) await cheapenKey(this.path('repository', 'keys'), password);
    }
    await this.cluster.query('CREATE DATABASE sound TEMPLATE shop');
    await this.#copy(this.folder, `${this.folder}.sound`);
  }

  /** As it was after the last sound day. */
  async reset(): Promise<void> {
    this.day = 0;
    this.hooks.answer = () => [200, ''];
    this.told();
    await rm(this.folder, { recursive: true, force: true });
    await this.#copy(`${this.folder}.sound`, this.folder);
    await this.cluster.query(`ALTER ROLE app LOGIN CREATEDB PASSWORD '${databasePassword}'`);
    await this.replaceDatabase('sound');
    await fillCache(this);
  }

  /** The application's database becomes a copy of another one of the server. */
  async replaceDatabase(template: string): Promise<void> {
    await this.cluster.query('DROP DATABASE IF EXISTS shop WITH (FORCE)');
    await this.cluster.query(`CREATE DATABASE shop OWNER app TEMPLATE ${template}`);
  }

  /** A day: the application is used, then its jobs are run as crontab runs them. What was told during them. */
  async cycle(options: CycleOptions = {}): Promise<readonly ToldAlarm[]> {
    const { env = {}, jobs = ['backup', 'check', 'drill', 'status'], still = false, isNobody = false, programs = {} } = options;
    this.told();
    if (!still) await growData(this);
    for (const job of jobs) {
      if (Object.keys(programs).length > 0) await this.#runAmong(programs, job);
      else await this.job(job, { env, ...(isNobody ? { uid: nobody } : {}) });
    }
    this.day += 1;
    return this.told();
  }

  /** One of the jobs of the day, as crontab runs it. */
  job(job: keyof typeof dailyJobs, options: RunOptions = {}): Promise<RunResult> {
    return this.run(this.#wordsOf(job), { ...options, env: { ...environmentOf(job), ...options.env } });
  }

  #wordsOf(job: keyof typeof dailyJobs): string[] {
    return [...dailyJobs[job], '-c', this.path('holdfast.yaml'), '--quiet'];
  }

  /** A job that finds other programs where the real ones are: nobody else on this machine sees them. */
  async #runAmong(programs: Readonly<Record<string, string>>, job: keyof typeof dailyJobs): Promise<void> {
    const mounts = Object.entries(programs).map(([real, other]) => `mount --bind '${other}' '${real}' && `);
    const words = [process.execPath, '--disable-warning=ExperimentalWarning', mainFile, ...this.#wordsOf(job)];
    const env = { PATH: process.env['PATH'] ?? '', HOME: this.folder, TZ: 'UTC', ...this.environment(), ...environmentOf(job) };
    // How it ends is for the receiver to hear.
    await run('unshare', ['--mount', 'sh', '-c', `${mounts.join('')}exec "$@"`, 'sh', ...words], { env, cwd: this.folder }).catch(() => {});
  }

  /** Any command, as a person runs it, on this day. */
  run(words: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    return runHoldfast(words, { cwd: this.folder, ...options, env: { ...this.environment(), ...options.env } });
  }

  /** For programs that are started otherwise: passwords, folders, and the clock of this day. */
  environment(): Record<string, string> {
    return {
      HOLDFAST_PASSWORD: password,
      HOLDFAST_STATE: this.path('state'),
      XDG_CACHE_HOME: this.path('cache'),
      NODE_OPTIONS: `--import=${pathToFileURL(join(import.meta.dirname, 'shift-clock.ts')).href}`,
      SABOTAGE_CLOCK: String(this.day * dayMs),
    };
  }

  /** What was told since this was last asked; signs of life are left out. */
  told(): readonly ToldAlarm[] {
    const heard = this.hooks.requests.slice(this.#heard);
    this.#heard = this.hooks.requests.length;
    return heard.flatMap(({ path, body }) => (path === '/hook' ? messageSchema.parse(JSON.parse(body)).alarms : []));
  }

  /** Changes holdfast.yaml. Throws where that changes nothing. */
  async configure(change: (text: string) => string): Promise<void> {
    const file = this.path('holdfast.yaml');
    const text = await readFile(file, 'utf8');
    const changed = change(text);
    if (changed === text) throw new Error('Nothing changed in holdfast.yaml');
    await writeFile(file, changed);
  }

  async remove(): Promise<void> {
    await Promise.all([this.cluster.stop(), this.redis.remove(), this.hooks.stop()]);
    await this.#remove();
  }

  async #copy(from: string, to: string): Promise<void> {
    await run('cp', ['-a', '--reflink=auto', from, to]);
  }

  #configurationText(): string {
    return `application: shop
repositories:
  local: { url: ./repository, keep: { daily: 60 } }
schedule: '0 2 * * *'
objective: { rpo: 26h }
components:
  database: { postgres: { url: '${this.cluster.url('shop', 'app', databasePassword)}' }, objective: { rpo: 26h, rto: 1h } }
  uploads: { files: ./uploads, objective: { rpo: 26h, rto: 1h } }
  settings: { config: { files: [.env, nginx.conf], secrets: encrypted }, objective: { rpo: 26h } }
  cache: { redis: '${this.redis.url}', objective: { rpo: 26h } }
  code: { code: ./code, objective: { rpo: 26h } }
drills:
  daily:
    schedule: '0 5 * * *'
    assert:
      - { sql: select count(*) > 0 from orders, component: database }
      - { run: sh ./check-uploads.sh }
maintenance: { prune: never, check: '0 4 * * *', check-within: 1d }
notify:
  - { webhook: '${this.hooks.url}/hook' }
`;
  }
}

function environmentOf(job: keyof typeof dailyJobs): Record<string, string> {
  const id = { backup: 'backup:0_2_*_*_*', check: 'check:local', drill: 'drill:daily', status: 'status', log: 'drill:log' }[job];
  return { HOLDFAST_TRIGGER: 'schedule', HOLDFAST_JOB: id };
}
