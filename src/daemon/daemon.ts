/**
 * The daemon: runs what is due, keeps the receivers of write-ahead logs running, tells people, and answers by HTTP. It does none of the work
 * itself: each run is a process of its own, so that the daemon stays small, and what fails there is a failed run.
 */
import type { Configuration } from '../config/configuration.ts';
import { reasonOf, toHoldfastError } from '../errors.ts';
import { renderMetrics } from '../observe/metrics/metrics.ts';
import { createApp } from '../server/app.ts';
import { Authority } from '../server/auth.ts';
import type { Alarm } from '../observe/notify/alarm.ts';
import { alarmsOfEndless } from '../operations/jobs/overdue-jobs.ts';
import { watchedSince } from '../operations/status/watched-since.ts';
import { createSignInNotes } from '../operations/audit/sign-in-notes.ts';
import { listen, type ListenAddress } from '../server/listen.ts';
import type { Clock } from '../util/clock.ts';
import { withTrigger } from './child-environment.ts';
import { DaemonCore } from './daemon-core.ts';
import { createExaminer } from './examine-application.ts';
import { gatherMetrics } from './gather-metrics.ts';
import type { LogLine } from './log-of-runs.ts';
import { joinMetrics } from './join-metrics.ts';
import { makeView } from './make-view.ts';
import { ownProgram } from './program.ts';
import { readTokens } from '../server/read-tokens.ts';
import { wordsOfConfiguration } from './start-for-configuration.ts';
import { watchFile } from './watch-file.ts';

export interface DaemonOptions {
  /** Reads the configuration, at the beginning and again when it has changed. Throws what is wrong with it. */
  readonly load: () => Configuration;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly stateFolder: string;
  readonly clock: Clock;
  /** Where it listens. */
  readonly address: (configuration: Configuration) => ListenAddress;
  /** Ends the daemon: runs under way are asked to end, and are waited for. */
  readonly signal: AbortSignal;
  /** One line for each thing that happens. Must not throw. */
  readonly log: (line: LogLine) => void;
  /** Told where it listens, when it does. */
  readonly onListening: (address: ListenAddress) => void;
  /** Has the daemon read its configuration again, whenever it is called. */
  readonly onHangup?: (reload: () => void) => () => void;
}

/**
 * Runs until the signal is aborted. Throws `configuration` and its kin, `daemon-running`, `server-setup`, `secret-unreadable`,
 * `catalog-failed`.
 */
export async function runDaemon(options: DaemonOptions): Promise<void> {
  const { environment, clock, log } = options;
  const configuration = options.load();
  const authority = new Authority(await readTokens(configuration.serve, environment, configuration.folder), clock);
  const fatal = new AbortController();
  const hasChanged = watchFile(configuration.file);
  const core = new DaemonCore(configuration, {
    ...options,
    program: ownProgram(),
    onFatal: (error) => fatal.abort(error),
    onTick: async () => {
      if (hasChanged()) await reload('the file has changed');
      look();
    },
  });
  const examiner = createExaminer({
    clock,
    order: () => ({
      program: core.options.program,
      words: wordsOfConfiguration(core.configuration),
      environment: withTrigger(environment, 'schedule'),
      folder: core.configuration.folder,
    }),
    since: () => watchedSince(core.catalog, core.configuration.file, clock),
    ofJobs: () => endlessRuns(core, clock),
    application: () => core.configuration.application,
  });
  // It takes as long as its repositories do: the scheduler does not wait for it.
  const look = (): void => {
    const [newest] = core.catalog.runs({ configuration: core.configuration.file, limit: 1 });
    examiner.examine(core.notifier, newest?.ended).catch((error: unknown) => log(note(clock, reasonOf(error))));
  };
  const reload = async (why: string): Promise<void> => {
    try {
      const changed = options.load();
      authority.use(await readTokens(changed.serve, environment, changed.folder));
      core.configure(changed);
      log(note(clock, `the configuration was read again (${why})`));
    } catch (error) {
      const { message } = toHoldfastError(error);
      core.tellBadConfiguration(message);
      log(note(clock, `the configuration cannot be used, and what was read before stays (${message})`));
      throw error;
    }
  };
  const view = makeView({
    core,
    metrics: () => renderMetrics(joinMetrics(gatherMetrics(core, clock.now()), examiner.latest)),
    standing: () => examiner.latest,
    reload: (who) => reload(`asked for by ${who}`),
  });
  const noteSignIn = createSignInNotes(core.catalog, clock);
  const app = createApp({ view, authority, noteSignIn, onFailure: (error) => log(note(clock, `a request failed: ${reasonOf(error)}`)) });
  const ignoreHangups = options.onHangup?.(() => void reload('SIGHUP').catch(() => {}));
  try {
    const server = await listen(app, options.address(configuration), authority);
    try {
      options.onListening(server.address);
      core.start();
      await aborted(AbortSignal.any([options.signal, fatal.signal]));
    } finally {
      await server.close();
    }
  } finally {
    ignoreHangups?.();
    await core.stop();
  }
  if (fatal.signal.aborted) throw fatal.signal.reason;
}

/** What should have begun and did not is told by the scheduler; that something does not end, only the history shows. */
function endlessRuns({ catalog, configuration, scheduler: { jobs } }: DaemonCore, clock: Clock): readonly Alarm[] {
  const { application, file } = configuration;
  return alarmsOfEndless({
    application,
    now: clock.now(),
    jobs,
    runs: catalog.runs({ configuration: file, status: 'running', limit: 100 }),
  });
}

function note(clock: Clock, message: string): LogLine {
  const time = clock.now().toISOString();
  return { record: { message_type: 'notice', time, message }, text: `${time} ${message}` };
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
