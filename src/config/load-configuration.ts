/** Finds, reads and understands a holdfast.yaml. */
import { relative, resolve } from 'node:path';
import { HoldfastError, reasonOf } from '../errors.ts';
import type { Configuration } from './configuration.ts';
import type { Environment } from './fill-in-variables.ts';
import { findConfigurationFile } from './find-configuration-file.ts';
import type { ConfigurationProblem } from './located-tree.ts';
import { parseConfiguration, type ParsedConfiguration } from './parse-configuration.ts';
import { readBoundedFile } from './read-bounded-file.ts';

export interface LoadOptions {
  /** The file that was named, relative to `folder`. */
  readonly file?: string | undefined;
  /** Where a file is looked for, upwards, where none is named; the current folder unless said otherwise. */
  readonly folder?: string;
  /** `HOLDFAST_CONFIG`, `HOLDFAST_PROFILE`, and whatever the file refers to. */
  readonly environment: Environment;
  readonly profile?: string | undefined;
  readonly unsetVariables?: 'refuse' | 'keep';
}

const largestFile = 1024 * 1024;

/**
 * What holdfast.yaml means. Secrets in it are named and not read.
 *
 * @throws HoldfastError `configuration-missing` where there is no file or it cannot be read, `configuration` with every error in it
 */
export function loadConfiguration(options: LoadOptions): Configuration {
  return loadWithSurroundings(options).configuration;
}

/** The same with what is beside it, for showing it. */
export function loadWithSurroundings(options: LoadOptions): ParsedConfiguration {
  const folder = resolve(options.folder ?? '.');
  const found = inspectConfiguration(options);
  if ('problems' in found) throw configurationError(found, folder);
  return found;
}

/** A file with what is wrong in it. */
export interface FaultyFile {
  /** Absolute. */
  readonly file: string;
  readonly problems: readonly ConfigurationProblem[];
}

/** What the file means, or all that is wrong with it. Throws `configuration-missing` only. */
export function inspectConfiguration({
  file,
  folder = '.',
  environment,
  profile,
  unsetVariables,
}: LoadOptions): ParsedConfiguration | FaultyFile {
  const path = findConfigurationFile({ file, folder, environment });
  if (path === undefined) {
    throw new HoldfastError('configuration-missing', { file: 'holdfast.yaml', reason: `there is none in ${resolve(folder)} or above it` });
  }
  const parsed = parseConfiguration(readText(path), {
    file: path,
    environment,
    profile: profile ?? (environment['HOLDFAST_PROFILE'] || undefined),
    ...(unsetVariables === undefined ? {} : { unsetVariables }),
  });
  return 'problems' in parsed ? { file: path, problems: parsed.problems } : parsed;
}

/** All problems of a file as one error. `from`: where paths in messages begin. */
export function configurationError({ file, problems }: FaultyFile, from: string): HoldfastError {
  const inside = relative(from, file);
  const shown = inside.startsWith('..') ? file : inside;
  const lines = problems.map(({ line, column, message }) => `${shown}:${line}:${column}: ${message}`);
  const text = lines.length === 1 ? lines.join('') : `it has ${lines.length} errors\n${lines.join('\n')}`;
  return new HoldfastError('configuration', { file, count: lines.length, problems: text });
}

function readText(file: string): string {
  try {
    return readBoundedFile(file, largestFile);
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    throw new HoldfastError('configuration-missing', { file, reason: missing ? 'there is no such file' : reasonOf(error) }, error);
  }
}
