/** Runs one command line from its words to its exit status: the only place that looks at the process. */
import { HoldfastError, exitStatus, isError, reasonOf, toHoldfastError, type ExitStatus } from '../errors.ts';
import { systemClock } from '../util/clock.ts';
import { findCommand, type FoundCommand } from './find-command.ts';
import { ParsedOptions } from './parsed-options.ts';
import { createOutput, type Output } from './print/output.ts';
import { formatError } from './print/print-error.ts';
import { createProgress, type Progress } from './print/progress.ts';

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
  if (found !== undefined) return runCommand(found);
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
  const output = createOutput({ stdout, stderr }, { ...choice, beforeWrite: progress.clear });
  const { signal, settle } = listenForSignals(output);
  try {
    const status = await command.run({
      options,
      args: parsed.positional,
      environment: process.env,
      output,
      events: progress.events,
      signal,
      clock: systemClock,
    });
    progress.end();
    await output.flush();
    if (output.failure !== undefined) throw outputFailed(output.failure);
    return worstOf(status, progress, signal);
  } catch (error) {
    progress.end();
    return fail(signal.aborted ? interruptionOf(error, signal) : error, choice);
  } finally {
    settle();
  }
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
function listenForSignals(output: Output): { readonly signal: AbortSignal; readonly settle: () => void } {
  const controller = new AbortController();
  const stop = (): void => {
    if (controller.signal.aborted) process.exit(exitStatus.interrupted);
    output.remark('stopping; once more to stop at once');
    controller.abort(new HoldfastError('interrupted'));
  };
  const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const name of names) process.on(name, stop);
  return {
    signal: controller.signal,
    settle: () => {
      for (const name of names) process.off(name, stop);
    },
  };
}
