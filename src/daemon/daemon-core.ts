/** The daemon without its HTTP interface: scheduler, receivers, alarms, and what is kept of them. */
import type { Catalog } from '../catalog/catalog.ts';
import type { Configuration } from '../config/configuration.ts';
import { isError, reasonOf } from '../errors.ts';
import type { Notifier } from '../observe/notify/notifier.ts';
import { planJobs } from '../operations/jobs/plan-jobs.ts';
import { forgetfulAlarm } from '../operations/notify/forgetful-alarm.ts';
import { openNotifier } from '../operations/notify/open-notifier.ts';
import type { Readiness } from '../operations/jobs/daemon-view.ts';
import type { Clock } from '../util/clock.ts';
import { noteAlive, readLastAlive } from './alive-note.ts';
import { type Message, messageOfWal, messagesOf } from './alarms-of-runs.ts';
import { type CheckSlices, openCheckSlices } from './check-slices.ts';
import { type DaemonLease, takeLease } from './daemon-lease.ts';
import { noteCancelled } from './earlier-runs.ts';
import { judgeReadiness } from './judge-readiness.ts';
import { type CatalogLedger, openLedger } from './ledger.ts';
import { lineOf, lineOfWal, type LogLine } from './log-of-runs.ts';
import { openState } from './open-state.ts';
import type { Program } from './program.ts';
import { takeUpEarlierRuns, type EarlierWork } from './take-up-earlier-runs.ts';
import type { startChild } from './run-child.ts';
import { Scheduler, type SchedulerEvent } from './scheduler.ts';
import { receiversOf, startReceiver, startRun, type ChildParts } from './start-for-configuration.ts';
import { systemTimers, type Timers } from './timers.ts';
import { type WalEvent, WalStreams } from './wal-streams.ts';

type Environment = Readonly<Record<string, string | undefined>>;

export interface CoreOptions {
  readonly environment: Environment;
  readonly stateFolder: string;
  readonly clock: Clock;
  readonly program: Program;
  /** Default: the system's. */
  readonly timers?: Timers;
  /** Default: a process each. */
  readonly start?: typeof startChild;
  /** Milliseconds between two looks at what is due. Default: half a minute. */
  readonly longestSleepMs?: number;
  /** One line for each thing that happens. Must not throw. */
  readonly log: (line: LogLine) => void;
  /** Called when it must not go on. */
  readonly onFatal: (error: unknown) => void;
  /** After each look at what is due. What it throws is logged. */
  readonly onTick: () => Promise<void>;
}

export class DaemonCore {
  readonly catalog: Catalog;
  readonly scheduler: Scheduler;
  readonly streams: WalStreams;
  readonly started: Date;
  readonly #options: CoreOptions;
  readonly #lease: DaemonLease;
  readonly #ledger: CatalogLedger;
  readonly #slices: CheckSlices;
  readonly #abort = new AbortController();
  #configuration: Configuration;
  #notifier: Notifier;
  readonly #stateProblem: string | undefined;
  #catalogProblem: string | undefined;
  #earlier: EarlierWork | undefined;
  #tending: Promise<void> | undefined;

  /** Throws `daemon-running`, `catalog-failed`. */
  constructor(configuration: Configuration, options: CoreOptions) {
    const { clock, timers = systemTimers, stateFolder } = options;
    this.#options = options;
    this.#configuration = configuration;
    this.started = clock.now();
    const { catalog, problem } = openState(stateFolder, clock, (message) => this.#log(message));
    this.catalog = catalog;
    this.#stateProblem = problem;
    this.#lease = takeLease(catalog, configuration.file);
    this.#notifier = this.#makeNotifier();
    this.#ledger = openLedger(catalog, configuration.file, clock);
    this.#slices = openCheckSlices(catalog, configuration.file);
    this.scheduler = new Scheduler({
      clock,
      timers,
      ledger: this.#ledger,
      startRun: (run) => startRun(this.#childParts(), run),
      tell: (event) => this.#tell(event),
      sliceOf: (job) => this.#slices.next(job),
      onTick: () => void this.#tend(),
      ...(options.longestSleepMs === undefined ? {} : { longestSleepMs: options.longestSleepMs }),
    });
    this.streams = new WalStreams({
      clock,
      timers,
      start: (component) => startReceiver(this.#childParts(), component),
      tell: (event) => this.#tellWal(event),
    });
  }

  get configuration(): Configuration {
    return this.#configuration;
  }

  get notifier(): Notifier {
    return this.#notifier;
  }

  get options(): CoreOptions {
    return this.#options;
  }

  /** Takes up what an earlier daemon left, and begins. */
  start(): void {
    const { scheduler, catalog, configuration } = this;
    const { clock, stateFolder: folder } = this.#options;
    if (this.#stateProblem !== undefined)
      this.#send({ raise: forgetfulAlarm({ application: configuration.application, folder, at: clock.now() }) });
    const jobs = planJobs(configuration);
    this.#attempt('the catalog', () => this.#ledger.retain(jobs.map(({ id }) => id)));
    scheduler.setJobs(jobs);
    this.#attempt('earlier runs', () => {
      this.#earlier = takeUpEarlierRuns({
        catalog,
        configuration,
        scheduler,
        ledger: this.#ledger,
        clock,
        tell: (message) => this.#send(message),
        lastAlive: readLastAlive(catalog, configuration.file),
      });
    });
    this.streams.set(receiversOf(configuration));
    scheduler.tick();
  }

  /** Goes on with another configuration of the same file. */
  configure(configuration: Configuration): void {
    this.#configuration = configuration;
    this.#notifier = this.#makeNotifier();
    const jobs = planJobs(configuration);
    this.#attempt('the catalog', () => this.#ledger.retain(jobs.map(({ id }) => id)));
    this.scheduler.setJobs(jobs);
    this.streams.set(receiversOf(configuration));
    this.#send({ resolve: 'failure:configuration', text: 'The configuration can be used again.' });
    this.scheduler.tick();
  }

  /** An alarm until `configure` is called. */
  tellBadConfiguration(reason: string): void {
    this.#send({
      raise: {
        key: 'failure:configuration',
        event: 'failure',
        severity: 'warning',
        application: this.#configuration.application,
        title: 'The changed configuration cannot be used',
        text: `What was read before stays in force. ${reason}`,
        facts: { file: this.#configuration.file },
        at: this.#options.clock.now(),
      },
    });
  }

  /** Ends what runs, tells what is still to be told, and closes everything. */
  async stop(): Promise<void> {
    await Promise.all([this.scheduler.stop(), this.streams.stop()]);
    await this.#tending;
    await this.#notifier.flush().catch((error: unknown) => this.#log(`alarms could not be sent: ${reasonOf(error)}`));
    this.#abort.abort();
    this.#attempt('the catalog', () => {
      this.#ledger.write();
      this.#lease.release();
    });
    this.catalog.close();
  }

  /** The id of the run; undefined for a job that there is not. */
  requestRun(jobId: string, who: string): string | undefined {
    return this.scheduler.request(jobId, { askedBy: who });
  }

  /** By the id of the daemon's run, or that of the record in the history. */
  cancelRun(id: string, who: string): boolean {
    const { active } = this.scheduler;
    const pid = active?.child.pid;
    const isRecord = (): boolean => this.catalog.runs({ status: 'running', limit: 50 }).some((run) => run.id === id && run.pid === pid);
    const own = active !== undefined && pid !== undefined && (active.run.id === id || isRecord());
    if (own)
      this.#attempt('the catalog', () =>
        noteCancelled(this.catalog, this.#configuration.file, pid, { began: active.began, ended: this.#options.clock.now() }),
      );
    const found = this.scheduler.cancel(own ? active.run.id : id);
    if (found) this.#log(`the run ${id} was cancelled by ${who}`);
    return found;
  }

  readiness(): Readiness {
    const problem = this.#stateProblem ?? this.#catalogProblem;
    return judgeReadiness({ lastTick: this.scheduler.lastTick, now: this.#options.clock.now(), problem });
  }

  #childParts(): ChildParts {
    return { ...this.#options, configuration: this.#configuration };
  }

  #tell(event: SchedulerEvent): void {
    const now = this.#options.clock.now();
    this.#options.log(lineOf(event, now));
    if (event.type === 'ended' && event.judgement.verdict === 'done') this.#slices.done(event.run);
    for (const message of messagesOf(event, { application: this.#configuration.application, now })) this.#send(message);
  }

  #tellWal(event: WalEvent): void {
    const now = this.#options.clock.now();
    this.#options.log(lineOfWal(event, now));
    this.#send(messageOfWal(event, { application: this.#configuration.application, now }));
  }

  #send(message: Message): void {
    this.#attempt('alarms', () => {
      if ('raise' in message) this.#notifier.raise(message.raise);
      else this.#notifier.resolve(message.resolve, message.text);
    });
  }

  /** What is to be done now and then; never two at a time. */
  #tend(): Promise<void> {
    this.#tending ??= this.#tendOnce().finally(() => (this.#tending = undefined));
    return this.#tending;
  }

  async #tendOnce(): Promise<void> {
    const { clock } = this.#options;
    try {
      this.#lease.renew();
      this.#ledger.write();
      noteAlive(this.catalog, this.#configuration.file, clock.now());
      this.#catalogProblem = undefined;
    } catch (error) {
      if (isError(error, 'daemon-running')) return this.#options.onFatal(error);
      if (this.#catalogProblem === undefined) this.#log(`the catalog cannot be written: ${reasonOf(error)}`);
      this.#catalogProblem = reasonOf(error);
    }
    this.#attempt('earlier runs', () => this.#earlier?.look());
    await this.#attemptLater('alarms', () => this.#notifier.tick(clock.now()));
    await this.#attemptLater('the look at the application', () => this.#options.onTick());
  }

  #makeNotifier(): Notifier {
    const { clock, environment } = this.#options;
    return openNotifier(this.#configuration, { store: this.catalog.alarms, clock, environment, signal: this.#abort.signal });
  }

  /** What fails here must not end the daemon: backups go on. */
  #attempt(what: string, work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#log(`${what}: ${reasonOf(error)}`);
    }
  }

  async #attemptLater(what: string, work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#log(`${what}: ${reasonOf(error)}`);
    }
  }

  #log(message: string): void {
    const time = this.#options.clock.now().toISOString();
    this.#options.log({ record: { message_type: 'notice', time, message }, text: `${time} ${message}` });
  }
}
