import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Environment } from './fill-in-variables.ts';

const names = ['holdfast.yaml', 'holdfast.yml'];

export interface FileSearch {
  /** The file that was named, relative to `folder`. */
  readonly file?: string | undefined;
  /** Where the search begins: the current folder. */
  readonly folder: string;
  /** `HOLDFAST_CONFIG` may name the file. */
  readonly environment: Environment;
}

/** Absolute path of the file that was named, of `HOLDFAST_CONFIG`, or of the first holdfast.yaml in this folder and those above it; undefined where there is none. */
export function findConfigurationFile({ file, folder, environment }: FileSearch): string | undefined {
  const named = file ?? (environment['HOLDFAST_CONFIG'] || undefined);
  if (named !== undefined) return resolve(folder, named);
  for (let place = resolve(folder); ; place = dirname(place)) {
    const found = names.map((name) => join(place, name)).find((path) => existsSync(path));
    if (found !== undefined) return found;
    if (place === dirname(place)) return undefined;
  }
}
