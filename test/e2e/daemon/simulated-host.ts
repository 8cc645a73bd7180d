/**
 * A machine with a daemon in simulated time. Everything is real but the time and the runs, which take time and end as chance has it: the
 * scheduler, the catalog, the notifier and what it sends. The runs write their records by themselves, as processes of their own do.
 */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { type Catalog, openCatalog } from '../../../src/catalog/catalog.ts';
import { catalogFile } from '../../../src/catalog/catalog-database.ts';
import { type RunHandle, runKinds } from '../../../src/catalog/run-record.ts';
import type { Configuration } from '../../../src/config/configuration.ts';
import { DaemonCore } from '../../../src/daemon/daemon-core.ts';
import type { ActiveRun, RunOutcome } from '../../../src/daemon/run.ts';
import type { ChildOrder } from '../../../src/daemon/run-child.ts';
import { SimulatedTime } from '../../../src/daemon/testing/simulated-time.ts';
import type { SimulatedReceiver } from './simulated-receiver.ts';
import { SimulatedRepositories } from './simulated-repositories.ts';
import { fateOf, type Fate } from './run-fates.ts';

const [minute, hour] = [60_000, 3_600_000];

/** A run that was begun. Times are milliseconds that passed, `clock` is what the clock said but for the days that it was wrong. */
export interface PlayedRun {
  readonly jobs: readonly string[];
  readonly began: number;
  readonly clock: number;
  readonly astray: boolean;
  /** As the daemon says. */
  dues: readonly number[];
  attempt: number;
  ended?: number;
  /** `killed`: the machine went down. */
  status?: number | 'killed';
  wasCancelled?: boolean;
}

export interface Span {
  readonly from: number;
  readonly to: number;
}

interface ActivePlay {
  readonly run: PlayedRun;
  readonly order: ChildOrder;
  readonly fate: Fate;
  readonly handle: RunHandle;
  readonly endsAt: number;
  readonly tell: (outcome: RunOutcome) => void;
  /** The daemon that began it is there. */
  readonly isOfDaemon: () => boolean;
}

export class SimulatedHost {
  readonly time: SimulatedTime;
  readonly runs: PlayedRun[] = [];
  /** When the machine was off, or no daemon ran. */
  readonly off: Span[] = [];
  /** What the clock was set by, and when. */
  readonly clockSets: { readonly at: number; readonly byMs: number }[] = [];
  readonly repositories: SimulatedRepositories;
  core: DaemonCore;
  /** How far the clock is wrong by days. */
  astrayMs = 0;
  /** The next run hangs. */
  hangsNext = false;
  /** Runs end well from now on. */
  isCalm = false;
  readonly #configuration: Configuration;
  readonly #folder: string;
  readonly #chance: () => number;
  /** That of the processes that are not the daemon. */
  readonly #catalog: Catalog;
  /** One of the daemon, and those that have outlived an earlier one. */
  readonly #active = new Set<ActivePlay>();
  #generation = 0;
  #tended: Date | undefined;

  constructor(
    configuration: Configuration,
    parts: { readonly folder: string; readonly begin: Date; readonly chance: () => number; readonly receiver: SimulatedReceiver },
  ) {
    this.time = new SimulatedTime(parts.begin, () => this.settle());
    parts.receiver.passed = () => this.time.passed;
    this.repositories = new SimulatedRepositories(configuration);
    this.#configuration = configuration;
    this.#folder = join(parts.folder, randomUUID());
    this.#chance = parts.chance;
    this.#catalog = openCatalog(this.#folder, this.time.clock);
    this.core = this.#start();
  }

  get catalogFile(): string {
    return join(this.#folder, catalogFile);
  }

  /** The daemon is killed, or the whole machine is off; then it is started again. Some runs go on without their daemon. */
  async restart(forMs: number): Promise<void> {
    const from = this.time.passed;
    this.#stop();
    const isKilled = [...this.#active].some(({ fate }) => fate.outlivesDaemon);
    this.time.skip(isKilled ? Math.min(forMs, 10 * minute) : forMs);
    this.off.push({ from, to: this.time.passed });
    for (const active of this.#active) {
      if (!active.fate.outlivesDaemon) {
        this.#active.delete(active);
        Object.assign(active.run, { ended: from, status: 'killed' });
      } else if (active.endsAt <= this.time.passed) this.#end(active, active.fate.status);
      else if (Number.isFinite(active.endsAt))
        this.time.timers.set(active.endsAt - this.time.passed, () => this.#end(active, active.fate.status));
    }
    this.core = this.#start();
    await this.settle();
  }

  setClock(byMs: number): void {
    this.clockSets.push({ at: this.time.passed, byMs });
    this.time.setClock(byMs);
  }

  /** Somebody ends what hangs. */
  async cancel(): Promise<void> {
    const hung = [...this.#active].find(({ endsAt }) => endsAt === Infinity);
    if (hung === undefined) return;
    hung.run.wasCancelled = true;
    const { active } = this.core.scheduler;
    if (active !== undefined && hung.isOfDaemon()) this.core.cancelRun(active.run.id, 'somebody');
    else this.#end(hung, 130);
    await this.settle();
  }

  close(): void {
    this.#stop();
    this.#catalog.close();
  }

  /** Waits for what the daemon does besides: alarms are really sent. */
  async settle(): Promise<void> {
    for (let turns = 0; turns < 1_000_000; turns++) {
      await turn();
      if (this.#tended === this.core.scheduler.lastTick) return;
    }
    throw new Error('the daemon does not come to rest');
  }

  #stop(): void {
    this.#generation += 1;
    this.time.dropTimers();
    this.core.catalog.close();
  }

  #start(): DaemonCore {
    const generation = this.#generation;
    const core: DaemonCore = new DaemonCore(this.#configuration, {
      environment: {},
      stateFolder: this.#folder,
      clock: this.time.clock,
      timers: this.time.timers,
      program: { file: 'none', args: [] },
      start: (order) => this.#play(order, () => this.#generation === generation),
      longestSleepMs: hour,
      log: ({ record }) => this.#note(record),
      onFatal: (error) => {
        throw error;
      },
      onTick: async () => void (this.#tended = core.scheduler.lastTick),
    });
    core.start();
    return core;
  }

  #note({ message_type: type, due, attempt }: Readonly<Record<string, unknown>>): void {
    const run = this.runs.at(-1);
    if (type !== 'run_started' || run === undefined || !Array.isArray(due)) return;
    run.dues = due.map((each) => Date.parse(String(each)));
    run.attempt = Number(attempt);
  }

  /** Receivers of write-ahead logs run until they are ended; other runs are one at a time. */
  #play(order: ChildOrder, isAlive: () => boolean): ActiveRun {
    let resolve: (outcome: RunOutcome) => void = () => {};
    const ended = new Promise<RunOutcome>((done) => (resolve = done));
    const tell = (outcome: RunOutcome): void => {
      if (isAlive()) resolve(outcome);
    };
    const { words, environment } = order;
    if (words[0] === 'wal') return { pid: 999_999_999, ended, progress: () => undefined, stop: () => tell({ status: 130, problems: [] }) };
    const fate = fateOf(order, this.#chance, { hangs: this.hangsNext, isCalm: this.isCalm });
    this.hangsNext = false;
    const [began, now] = [this.time.passed, this.time.clock.now()];
    const jobs = environment['HOLDFAST_JOB']?.split(',') ?? [];
    const run: PlayedRun = { jobs, began, clock: now.getTime() - this.astrayMs, astray: this.astrayMs !== 0, dues: [], attempt: 1 };
    this.runs.push(run);
    // A process that is there for as long as this one, or none.
    const pid = fate.outlivesDaemon ? process.pid : 999_999_999;
    const active = { run, order, fate, handle: this.#beginRecord(order, pid), endsAt: began + fate.takesMs, tell, isOfDaemon: isAlive };
    this.#active.add(active);
    if (Number.isFinite(fate.takesMs)) this.time.timers.set(fate.takesMs, () => this.#end(active, fate.status));
    return { pid, ended, progress: () => undefined, stop: () => this.#end(active, 130) };
  }

  #beginRecord({ words, environment }: ChildOrder, pid: number): RunHandle {
    const due = new Date(environment['HOLDFAST_DUE'] ?? '');
    return this.#catalog.beginRun({
      kind: runKinds.find((kind) => kind === words[0]) ?? 'other',
      trigger: 'schedule',
      configuration: this.#configuration.file,
      ...(environment['HOLDFAST_JOB'] === undefined ? {} : { job: environment['HOLDFAST_JOB'] }),
      ...(Number.isNaN(due.getTime()) ? {} : { due }),
      began: this.time.clock.now(),
      pid,
    });
  }

  #end(active: ActivePlay, wanted: number): void {
    if (!this.#active.delete(active)) return;
    const status = wanted === 0 && !this.#work(active) ? 1 : wanted;
    Object.assign(active.run, { ended: Math.min(active.endsAt, this.time.passed), status });
    const word = status === 0 ? 'done' : status === 3 ? 'partial' : status === 130 ? 'interrupted' : 'failed';
    active.handle.end({ status: word, exit: status });
    active.tell({ status, problems: [] });
  }

  /** What a run that is well leaves behind. */
  #work({ order: { words }, fate }: ActivePlay): boolean {
    const { repositories } = this;
    const now = this.time.clock.now();
    const [verb, ...names] = words.slice(0, words.indexOf('--config'));
    const components = names.filter((name) => !name.startsWith('--'));
    if (verb === 'backup' && fate.hasChanges) repositories.backUp(components, now);
    if (verb === 'drill') repositories.drill(this.#configuration.drills?.find(({ name }) => name === names[0])?.components ?? [], now);
    return verb !== 'prune' || repositories.prune(names[1] ?? '', now, this.astrayMs === 0);
  }
}
