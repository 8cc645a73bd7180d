/** Starts holdfast itself for what a configuration says: the run of a job, or the receiver of a server's log. */
import type { Configuration } from '../config/configuration.ts';
import { environmentOfRun, withTrigger } from './child-environment.ts';
import { jobOfReceiver } from './earlier-runs.ts';
import type { Program } from './program.ts';
import type { ActiveRun, Run } from './run.ts';
import { startChild } from './run-child.ts';

export interface ChildParts {
  readonly configuration: Configuration;
  readonly program: Program;
  /** The daemon's own. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Default: a process each. */
  readonly start?: typeof startChild;
}

export function startRun(parts: ChildParts, run: Run): ActiveRun {
  return startWords(parts, run.words, environmentOfRun(parts.environment, run));
}

export function startReceiver(parts: ChildParts, component: string): ActiveRun {
  const environment = { ...withTrigger(parts.environment, 'schedule'), HOLDFAST_JOB: jobOfReceiver(component) };
  return startWords(parts, ['wal', 'stream', '--component', component], environment);
}

/** Components whose server's log is received. */
export function receiversOf({ components }: Configuration): readonly string[] {
  return components.flatMap(({ name, source }) => (source.kind === 'postgres-base' ? [name] : []));
}

/** The words that name a configuration. */
export function wordsOfConfiguration({ file, profile }: Configuration): readonly string[] {
  return ['--config', file, ...(profile === undefined ? [] : ['--profile', profile])];
}

function startWords(
  { configuration, program, start = startChild }: ChildParts,
  words: readonly string[],
  environment: Readonly<Record<string, string>>,
): ActiveRun {
  return start({ program, words: [...words, ...wordsOfConfiguration(configuration), '--json'], environment, folder: configuration.folder });
}
