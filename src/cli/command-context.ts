/** What every command is given. */
import type { EventSink } from '../events.ts';
import type { Clock } from '../util/clock.ts';
import type { ParsedOptions } from './parsed-options.ts';
import type { Output } from './print/output.ts';
import type { RunRecorder } from './run-recorder.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface CommandContext {
  readonly options: ParsedOptions;
  readonly args: readonly string[];
  readonly environment: Environment;
  readonly output: Output;
  /** Progress, problems and notices of the work go here. */
  readonly events: EventSink;
  /** Aborted by SIGINT or SIGTERM, and by a reader of stdout that went away where that ends the command. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** Keeps a record of the run; absent where it leaves none. */
  readonly recorder?: RunRecorder;
}
