/**
 * Records a run in the history of this host and in the audit trail of the repositories it opens. It never makes a run fail: what cannot be
 * recorded is said in a notice.
 */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import type { Catalog } from '../catalog/catalog.ts';
import type { RunHandle, RunKind, RunResult, RunTrigger } from '../catalog/run-record.ts';
import type { Configuration } from '../config/configuration.ts';
import type { Repository } from '../engine/repository.ts';
import { exitStatus, type ExitStatus, type HoldfastError, reasonOf } from '../errors.ts';
import type { AuditActor } from '../observe/audit/audit-record.ts';
import type { RunTrail } from '../operations/audit/run-trail.ts';
import type { Storage } from '../storage/storage.ts';
import { currentUser } from '../util/current-user.ts';
import { stateFolderOf } from '../util/state-folder.ts';
import type { CommandContext, Environment } from './command-context.ts';
import { describeRequest, type RecordedCommand } from './recorded-commands.ts';
import { RunFactsListener } from './run-facts.ts';
import { tellOfRun, type EndedRun } from './tell-of-run.ts';
import { isUnwatched } from './tell-people.ts';

/** What commands tell of a run while it goes on. */
export interface RunRecorder {
  /** The run goes by this configuration. */
  configured(configuration: Configuration): void;
  /** The place of a repository, before anything is read of it. */
  around(storage: Storage): Storage;
  /** Before anything is done with the repository. */
  opened(repository: Repository): Promise<void>;
  /** The plan that was printed is carried out now. */
  planned(): Promise<void>;
}

export interface RunEnding {
  readonly status: ExitStatus;
  readonly error?: HoldfastError;
  /** What could not be read or restored. */
  readonly problems: number;
  /** The first of these, each in one line. */
  readonly reasons: readonly string[];
}

type RecordedRun = Omit<CommandContext, 'recorder'> & { readonly command: string };

/** Begins to record. Never throws. */
export async function startRecording(recorded: RecordedCommand, run: RecordedRun): Promise<RecordingRun> {
  const notice = (message: string): void => run.events({ type: 'notice', message });
  let catalog: Catalog | undefined;
  let handle: RunHandle | undefined;
  try {
    const { openCatalog } = await import('../catalog/catalog.ts');
    catalog = openCatalog(stateFolderOf(run.environment), run.clock, { onNotice: notice });
    if (recorded.kind !== undefined) {
      catalog.markInterrupted();
      const { environment } = run;
      handle = catalog.beginRun({
        kind: recorded.kind,
        ...askedBy(environment),
        ...namedConfiguration(run),
        components: namedComponents(run),
      });
    }
  } catch (error) {
    notice(`this run is not noted in the history of this host: ${reasonOf(error)}`);
  }
  const trail = recorded.audit && (await startTrail(recorded.audit, run, { catalog, id: handle?.id ?? randomUUID(), notice }));
  return new RecordingRun(run, { catalog, handle, trail, kind: recorded.kind });
}

interface TrailParts {
  readonly catalog: Catalog | undefined;
  readonly id: string;
  readonly notice: (message: string) => void;
}

async function startTrail(
  audit: NonNullable<RecordedCommand['audit']>,
  { command, options, args, environment, clock }: RecordedRun,
  { catalog, id, notice }: TrailParts,
): Promise<RunTrail> {
  const { RunTrail: Trail } = await import('../operations/audit/run-trail.ts');
  const what = describeRequest(command, options, args);
  return new Trail({ ...audit, run: id, by: actorIn(environment), what, catalog, clock, onNotice: notice });
}

interface RecordingParts {
  readonly catalog: Catalog | undefined;
  readonly handle: RunHandle | undefined;
  readonly trail: RunTrail | undefined;
  readonly kind: RunKind | undefined;
}

export class RecordingRun implements RunRecorder {
  readonly #run: RecordedRun;
  readonly #parts: RecordingParts;
  readonly #listener = new RunFactsListener();
  readonly #began: Date;
  #application: string | undefined;
  #configuration: Configuration | undefined;
  #isNoticed = false;

  constructor(run: RecordedRun, parts: RecordingParts) {
    this.#run = run;
    this.#parts = parts;
    this.#began = run.clock.now();
  }

  configured(configuration: Configuration): void {
    const { application, file } = configuration;
    this.#configuration = configuration;
    this.#application = application;
    this.#parts.trail?.configured(file);
    this.#note(() => this.#parts.handle?.note({ application, configuration: file }));
  }

  around(storage: Storage): Storage {
    return this.#parts.trail?.around(storage) ?? storage;
  }

  async opened(repository: Repository): Promise<void> {
    this.#note(() => this.#parts.handle?.note({ repository: repository.location }));
    await this.#parts.trail?.opened(repository);
  }

  async planned(): Promise<void> {
    await this.#parts.trail?.planned(this.#listener.plan);
  }

  /** A result that the command printed. */
  hear(record: object): void {
    this.#listener.hear(record);
  }

  /** Writes how it ended. Never throws. */
  async end({ status, error, problems, reasons }: RunEnding): Promise<void> {
    const { catalog, handle, trail } = this.#parts;
    const { facts, components, point, application = this.#application, ids } = this.#listener.heard();
    const seconds = Math.max(0, this.#run.clock.now().getTime() - this.#began.getTime()) / 1000;
    const result: RunResult = {
      status: statusOf(status),
      exit: status,
      facts: { ...(problems > 0 ? { problems } : {}), ...facts, seconds },
      ...(components.length === 0 ? {} : { components }),
      ...(point === undefined ? {} : { point }),
      ...(application === undefined ? {} : { application }),
      ...(error === undefined ? {} : { error: { code: error.code, message: error.message, hint: error.hint } }),
    };
    this.#note(() => handle?.end(result));
    const { error: failure, ...rest } = result;
    const told = {
      ...rest,
      ...(ids.length === 0 ? {} : { ids }),
      ...(failure && { error: { code: failure.code, message: failure.message } }),
    };
    await trail?.ended(told, this.#listener.plan);
    await trail?.close();
    await this.#tell({
      status,
      problems,
      reasons: [...reasons, ...this.#listener.findings],
      components,
      failed: componentsWithErrors(facts),
      ...(error === undefined ? {} : { error }),
    });
    this.#note(() => catalog?.close());
  }

  /** Whoever should know of it, where nobody else tells them. */
  async #tell(ended: Omit<EndedRun, 'kind'>): Promise<void> {
    const { catalog, kind } = this.#parts;
    const { clock, environment, events } = this.#run;
    if (kind === undefined || !isUnwatched(environment)) return;
    const configuration = this.#configuration ?? (await this.#salvage(ended.error));
    if (configuration === undefined) return;
    const notice = (message: string): void => events({ type: 'notice', message });
    await tellOfRun({ ...ended, kind }, { configuration, catalog, clock, environment, notice });
  }

  /** Who is to be told where the configuration itself is wrong. */
  async #salvage(error: HoldfastError | undefined): Promise<Configuration | undefined> {
    const file = namedConfiguration(this.#run).configuration;
    if (error?.code !== 'configuration' || file === undefined) return undefined;
    const { salvageNotify } = await import('../config/salvage-notify.ts');
    const { readBoundedFile } = await import('../config/read-bounded-file.ts');
    const { environment } = this.#run;
    try {
      return salvageNotify(readBoundedFile(file, largestConfiguration), { file, environment });
    } catch (reason) {
      this.#run.events({ type: 'notice', message: `nobody was told: ${reasonOf(reason)}` });
      return undefined;
    }
  }

  #note(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!this.#isNoticed) this.#run.events({ type: 'notice', message: `this run is not noted as it should be: ${reasonOf(error)}` });
      this.#isNoticed = true;
    }
  }
}

/** `database.error` stands for a component that failed as a whole. */
function componentsWithErrors(facts: RunResult['facts'] = {}): readonly string[] {
  return Object.keys(facts).flatMap((name) => (name.endsWith('.error') ? [name.slice(0, -'.error'.length)] : []));
}

function statusOf(status: ExitStatus): RunResult['status'] {
  if (status === exitStatus.done) return 'done';
  if (status === exitStatus.incomplete) return 'partial';
  return status === exitStatus.interrupted ? 'interrupted' : 'failed';
}

/** The daemon says so in the environment of what it starts. */
function askedBy(environment: Environment): { readonly trigger: RunTrigger; readonly job?: string; readonly due?: Date } {
  const { HOLDFAST_TRIGGER: trigger, HOLDFAST_JOB: job, HOLDFAST_DUE: due } = environment;
  const time = new Date(due ?? '');
  return {
    trigger: trigger === 'schedule' || trigger === 'api' ? trigger : 'person',
    ...(job === undefined || job === '' ? {} : { job: job.slice(0, 1000) }),
    ...(Number.isNaN(time.getTime()) ? {} : { due: time }),
  };
}

const longestWord = 200;
const largestConfiguration = 1024 * 1024;

/** Who and from where, as far as this host knows. */
export function actorIn(environment: Environment): AuditActor {
  const { SUDO_USER: sudo, SSH_CLIENT: ssh, HOLDFAST_FROM: from = ssh?.split(' ')[0], HOLDFAST_TOKEN_NAME: token } = environment;
  return {
    user: currentUser().username,
    host: hostname(),
    trigger: askedBy(environment).trigger,
    ...(token ? { token: token.slice(0, longestWord) } : {}),
    ...(sudo ? { sudo: sudo.slice(0, longestWord) } : {}),
    ...(from ? { from: from.slice(0, longestWord) } : {}),
  };
}

/** Known before it is read, for a run that fails because of it. */
function namedConfiguration({ options, environment }: RecordedRun): { readonly configuration?: string } {
  const file = options.text('config') ?? environment['HOLDFAST_CONFIG'];
  return file ? { configuration: resolve(file) } : {};
}

function namedComponents({ command, options, args }: RecordedRun): readonly string[] {
  return command === 'backup' ? args : options.list('component');
}
