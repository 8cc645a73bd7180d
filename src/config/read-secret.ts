/** Reads a secret when it is needed. */
import { HoldfastError, reasonOf } from '../errors.ts';
import { runShell } from '../util/shell-command.ts';
import type { Secret } from './configuration.ts';
import type { Environment } from './fill-in-variables.ts';
import { readValueFile, withoutLastNewline } from './read-bounded-file.ts';

export interface SecretContext {
  readonly environment: Environment;
  /** Where commands run; the current folder unless said otherwise. */
  readonly folder?: string;
  readonly signal?: AbortSignal;
  /** How long a command may take: a minute unless said otherwise. */
  readonly withinMs?: number;
}

const defaultLimit = 60_000;
/** What `runShell` keeps of an output. */
const mostOutput = 64 * 1024;

/**
 * The secret without the newline at its end. Files and outputs of commands hold at most 64 KiB.
 *
 * @throws HoldfastError `secret-unreadable`, in which nothing of the secret stands; `interrupted`
 */
export async function readSecret(secret: Secret, context: SecretContext): Promise<string> {
  if ('value' in secret) return secret.value;
  if ('file' in secret) return notEmpty(readFile(secret.file), `the file ${secret.file}`);
  if ('env' in secret) return notEmpty(readVariable(secret.env, context.environment), `the variable ${secret.env}`);
  return notEmpty(await readOutput(secret.command, context), 'the output of its command');
}

function readFile(file: string): string {
  try {
    return readValueFile(file);
  } catch (error) {
    throw unreadable(`the file ${file} cannot be read (${reasonOf(error)})`, error);
  }
}

function readVariable(name: string, environment: Environment): string {
  const plain = environment[name];
  if (plain !== undefined && plain !== '') return plain;
  const file = environment[`${name}_FILE`];
  if (file) return readFile(file);
  if (plain === '') return '';
  throw unreadable(`the variable ${name} is not set (nor ${name}_FILE)`);
}

/* Neither its output nor its stderr is in any message: either may hold the secret. */
async function readOutput(
  command: string,
  { environment, folder = '.', signal = new AbortController().signal, withinMs = defaultLimit }: SecretContext,
): Promise<string> {
  const env = Object.fromEntries(Object.entries(environment).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
  const end = await runShell({ run: command, env, folder, withinMs, signal });
  if (signal.aborted) throw new HoldfastError('interrupted');
  if (end.startFailure !== undefined) throw unreadable(`its command could not be started (${reasonOf(end.startFailure)})`);
  if (end.timedOut) throw unreadable(`its command was not done within ${Math.round(withinMs / 1000)} s, and was ended`);
  if (end.status !== 0)
    throw unreadable(`its command ended with ${end.status === undefined ? `signal ${end.killedBy ?? '?'}` : `status ${end.status}`}`);
  if (Buffer.byteLength(end.stdout) >= mostOutput) throw unreadable(`its command printed ${mostOutput} bytes or more`);
  return withoutLastNewline(end.stdout);
}

function notEmpty(text: string, place: string): string {
  if (text === '') throw unreadable(`${place} is empty`);
  return text;
}

function unreadable(reason: string, cause?: unknown): HoldfastError {
  return new HoldfastError('secret-unreadable', { reason }, cause);
}
