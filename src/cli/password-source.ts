/** Where a password comes from: an option, the environment (holdfast's own names before restic's), or a question on the terminal. */
import { readFileSync } from 'node:fs';
import { HoldfastError, reasonOf, type ErrorCode } from '../errors.ts';
import type { Environment } from './command-context.ts';
import type { ParsedOptions } from './parsed-options.ts';

export interface PasswordWords {
  readonly fileOption: string;
  readonly commandOption: string;
  /** `PASSWORD`, `FROM_PASSWORD`, `NEW_PASSWORD`. */
  readonly variable: string;
  /** The error where none was given. */
  readonly missing: Extract<ErrorCode, `password-missing${string}`>;
}

export const ownPassword: PasswordWords = {
  fileOption: 'password-file',
  commandOption: 'password-command',
  variable: 'PASSWORD',
  missing: 'password-missing',
};
export const fromPassword: PasswordWords = {
  fileOption: 'from-password-file',
  commandOption: 'from-password-command',
  variable: 'FROM_PASSWORD',
  missing: 'password-missing-from',
};
export const newPassword: PasswordWords = {
  fileOption: 'new-password-file',
  commandOption: 'new-password-command',
  variable: 'NEW_PASSWORD',
  missing: 'password-missing-new',
};

/**
 * The password that was given, or undefined where none was. As in restic, white space around the content of a file or the output of a
 * program does not count, so that both read the same password from it. Throws `password-source`, and `usage` where a file and a program are named.
 */
export async function findPassword(
  options: ParsedOptions,
  environment: Environment,
  words: PasswordWords = ownPassword,
): Promise<string | undefined> {
  options.onlyOneOf(words.fileOption, words.commandOption);
  const file = options.text(words.fileOption);
  const command = options.text(words.commandOption);
  if (file !== undefined) return readFromFile(file);
  if (command !== undefined) return readFromCommand(command, environment);
  for (const program of ['HOLDFAST', 'RESTIC']) {
    const prefix = `${program}_${words.variable}`;
    const [namedFile, namedCommand, plain] = [environment[`${prefix}_FILE`], environment[`${prefix}_COMMAND`], environment[prefix]];
    if (namedFile && namedCommand)
      throw new HoldfastError('password-source', { reason: `${prefix}_FILE and ${prefix}_COMMAND exclude each other` });
    if (namedFile) return readFromFile(namedFile);
    if (namedCommand) return readFromCommand(namedCommand, environment);
    if (plain) return plain;
  }
  return undefined;
}

function readFromFile(file: string): string {
  let text: string;
  try {
    text = new TextDecoder().decode(readFileSync(file));
  } catch (error) {
    throw new HoldfastError('password-source', { reason: reasonOf(error) }, error);
  }
  return notEmpty(text.trim(), `the file ${file} is empty`);
}

/** Runs the program itself, without a shell. Its stderr is shown, its output never. */
async function readFromCommand(command: string, environment: Environment): Promise<string> {
  const [file, ...args] = splitWords(command);
  if (file === undefined) throw new HoldfastError('password-source', { reason: 'the command is empty' });
  const { runSubprocess } = await import('../util/subprocess.ts');
  const env = Object.fromEntries(Object.entries(environment).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
  const end = await runSubprocess({ file, args, env }, 64 * 1024);
  if (end.stderr !== '') process.stderr.write(end.stderr);
  if (end.startFailure !== undefined)
    throw new HoldfastError('password-source', { reason: `${file} could not be started (${reasonOf(end.startFailure)})` });
  if (end.status !== 0)
    throw new HoldfastError('password-source', {
      reason: `${file} ended with ${end.status === undefined ? `signal ${end.killedBy ?? '?'}` : `status ${end.status}`}`,
    });
  return notEmpty(end.stdout.toString('utf8').trim(), `${file} printed nothing`);
}

function notEmpty(password: string, reason: string): string {
  if (password === '') throw new HoldfastError('password-source', { reason });
  return password;
}

/** Words as a shell would make them of quotes and backslashes, with nothing else expanded. Throws `password-source` for an open quote. */
export function splitWords(command: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote = '';
  for (let at = 0; at < command.length; at++) {
    const character = command[at] ?? '';
    if (character === '\\' && quote !== "'" && at + 1 < command.length) {
      word = (word ?? '') + (command[(at += 1)] ?? '');
    } else if (quote === '' ? character === '"' || character === "'" : character === quote) {
      quote = quote === '' ? character : '';
      word ??= '';
    } else if (quote === '' && /\s/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      word = (word ?? '') + character;
    }
  }
  if (quote !== '') throw new HoldfastError('password-source', { reason: 'a quote in the command is not closed' });
  return word === undefined ? words : [...words, word];
}
