import { resolve } from 'node:path';
import type { CommandConfiguration, Hooks, Secret } from './configuration.ts';
import { readDuration } from './quantities.ts';
import type { ConfigurationFile } from './schema/schema.ts';

const defaultCommandLimit = 10 * 60_000;

type WrittenHooks = NonNullable<ConfigurationFile['hooks']>;
type WrittenCommands = NonNullable<WrittenHooks['before']>;
type WrittenCommand = Exclude<WrittenCommands, readonly unknown[]>;
type WrittenRepository = Exclude<ConfigurationFile['repositories'][string], string>;
export type WrittenSecret = NonNullable<WrittenRepository['password']>;

/** One text or many as many. */
export function manyOf(value: string | readonly string[]): readonly string[] {
  return typeof value === 'string' ? [value] : value;
}

/** The same of what may be absent. */
export function someOf(value: string | readonly string[] | undefined): readonly string[] | undefined {
  return value === undefined ? undefined : manyOf(value);
}

export function understandSecret(secret: WrittenSecret, folder: string): Secret {
  if (typeof secret === 'string') return { value: secret };
  const { value, file, env, command } = secret;
  if (file !== undefined) return { file: resolve(folder, file) };
  if (env !== undefined) return { env };
  return command === undefined ? { value: value ?? '' } : { command };
}

export function understandCommand(command: WrittenCommand): CommandConfiguration {
  if (typeof command === 'string') return { run: command, withinMs: defaultCommandLimit };
  const { run, service, within } = command;
  const withinMs = (within === undefined ? undefined : readDuration(within)) ?? defaultCommandLimit;
  return { run, ...(service === undefined ? {} : { service }), withinMs };
}

export function understandCommands(commands: WrittenCommands | undefined): readonly CommandConfiguration[] {
  if (commands === undefined) return [];
  return (Array.isArray(commands) ? commands : [commands]).map(understandCommand);
}

export function understandHooks(hooks: WrittenHooks | undefined): Hooks {
  const { before, after, failed } = hooks ?? {};
  return { before: understandCommands(before), after: understandCommands(after), failed: understandCommands(failed) };
}
