/** Runs one command line from its words to its exit status: the only place that looks at the process. */
import { HoldfastError, exitStatus, isError, reasonOf, toHoldfastError, type ExitStatus } from '../errors.ts';
import { systemClock } from '../util/clock.ts';
import type { CommandContext } from './command-context.ts';
import { findCommand, type FoundCommand } from './find-command.ts';
import { ParsedOptions } from './parsed-options.ts';
import { createOutput, type Output } from './print/output.ts';
import { formatError } from './print/print-error.ts';
import { createProgress, type Progress } from './print/progress.ts';
import { findRecorded } from './recorded-commands.ts';
import type { RecordingRun } from './run-recorder.ts';

/** Runs a command line. Never throws: what fails is printed, and its exit status returned. */
export async function runCommandLine(words: readonly string[]): Promise<ExitStatus> {
  const status = await runWords(words);
  // A restore_command that is written wrongly must not tell PostgreSQL that the log ends here.
  return status === exitStatus.usage && words[0] === 'wal' && words[1] === 'fetch' ? exitStatus.unavailable : status;
}

async function runWords(words: readonly string[]): Promise<ExitStatus> {
  process.on('uncaughtException', (error) => process.exit(fail(error, { json: words.includes('--json'), verbose: true })));
  const early = { json: words.includes('--json'), verbose: false };
  // Help is written by commander, before there is an output that listens.
  let outputFailure: Error | undefined;
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') outputFailure ??= error;
  });
  let found: FoundCommand | undefined;
  try {
    found = await readCommandLine(words);
  } catch (error) {
    return fail(error, early);
  }
  if (found !== undefined) {
    const status = await runCommand(found);
    return found.command.endsAtOnce === true ? process.exit(status) : status;
  }
  await new Promise((resolve) => process.stdout.write('', () => setImmediate(resolve)));
  return outputFailure === undefined ? exitStatus.done : fail(outputFailed(outputFailure), early);
}

function outputFailed(cause: Error): HoldfastError {
  return new HoldfastError('output-failed', { reason: reasonOf(cause) }, cause);
}

/** Undefined where there is nothing more to do: help was shown. Throws `usage`. */
async function readCommandLine(words: readonly string[]): Promise<FoundCommand | undefined> {
  const plain = await findCommand(words);
  if (plain !== undefined) return plain;
  const { readWithCommander } = await import('./read-with-commander.ts');
  return readWithCommander(words);
}

async function runCommand({ command, parsed }: FoundCommand): Promise<ExitStatus> {
  const options = new ParsedOptions(`holdfast ${command.name}`, parsed.values);
  const choice = { json: options.has('json'), quiet: options.has('quiet'), verbose: options.has('verbose') };
  const { stdout, stderr } = process;
  const progress = createProgress({
    ...choice,
    done: command.name === 'restore' ? 'restored' : 'done',
    stdout,
    stderr,
    clock: systemClock,
  });
  let recording: RecordingRun | undefined;
  const onResult = (record: object): void => recording?.hear(record);
  const output = createOutput({ stdout, stderr }, { ...choice, beforeWrite: progress.clear, onResult });
  const { signal, settle } = listenForSignals(output, command.isEndedByHangup ?? true);
  const run = { options, args: parsed.positional, environment: process.env, output, events: progress.events, signal, clock: systemClock };
  try {
    recording = await record(command.name, run);
    const status = await command.run(recording === undefined ? run : { ...run, recorder: recording });
    progress.end();
    await output.flush();
    if (output.failure !== undefined) throw outputFailed(output.failure);
    const worst = worstOf(status, progress, signal);
    await recording?.end({ status: worst, problems: progress.problems, reasons: progress.reasons });
    return worst;
  } catch (error) {
    progress.end();
    const known = toHoldfastError(signal.aborted ? interruptionOf(error, signal) : error);
    const status = fail(known, choice);
    await recording?.end({ status, error: known, problems: progress.problems, reasons: progress.reasons });
    return status;
  } finally {
    settle();
  }
}

/** Undefined for a run that leaves no record; then nothing is loaded for it. */
async function record(command: string, run: CommandContext): Promise<RecordingRun | undefined> {
  const recorded = findRecorded(command, run.options);
  if (recorded === undefined) return undefined;
  const { startRecording } = await import('./run-recorder.ts');
  return startRecording(recorded, { ...run, command });
}

/** What could not be read was told as it happened; it must show in the exit status too. */
function worstOf(status: ExitStatus, progress: Progress, signal: AbortSignal): ExitStatus {
  if (signal.aborted && status !== exitStatus.done) return exitStatus.interrupted;
  return status === exitStatus.done && progress.problems > 0 ? exitStatus.incomplete : status;
}

/* After an interruption whatever fell over because of it is not the news. What is worse than an interruption stays. */
function interruptionOf(error: unknown, signal: AbortSignal): unknown {
  if (isError(error, 'interrupted') || isError(error, 'lock-lost')) return error;
  return new HoldfastError('interrupted', {}, error ?? signal.reason);
}

function fail(error: unknown, choice: { readonly json: boolean; readonly verbose: boolean }): ExitStatus {
  const known = toHoldfastError(error);
  process.stderr.write(`${formatError(known, choice)}\n`);
  return known.exitStatus;
}

/** The first signal asks the command to stop and tidy up; the second ends the process at once. */
function listenForSignals(output: Output, withHangup: boolean): { readonly signal: AbortSignal; readonly settle: () => void } {
  const controller = new AbortController();
  const stop = (): void => {
    if (controller.signal.aborted) process.exit(exitStatus.interrupted);
    output.remark('stopping; once more to stop at once');
    controller.abort(new HoldfastError('interrupted'));
  };
  const names = ['SIGINT', 'SIGTERM', ...(withHangup ? (['SIGHUP'] as const) : [])] as const;
  for (const name of names) process.on(name, stop);
  return {
    signal: controller.signal,
    settle: () => {
      for (const name of names) process.off(name, stop);
    },
  };
}
