/** Which folders the jobs of a configuration read and write, for schedulers that close off all others. */
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Configuration, SourceConfiguration } from '../../config/configuration.ts';

export interface SchedulePlaces {
  readonly writable: readonly string[];
  readonly readable: readonly string[];
  /** Sources are in containers, or volumes. */
  readonly docker: boolean;
}

/** Asks the disk which folders there are: of one that is not there yet, the nearest above it is named. */
export function findSchedulePlaces(
  { repositories, archives = [], components, folder }: Configuration,
  stateFolder: string,
): SchedulePlaces {
  const places = [...repositories.map(({ url }) => url), ...archives.map(({ to }) => to)].filter((place) => place.startsWith('/'));
  return {
    writable: outermost([...places.map(nearestFolder), stateFolder]),
    readable: outermost([folder, ...components.flatMap(({ source }) => readFolders(source))]),
    docker: components.some(({ source }) => needsDocker(source)),
  };
}

/** Never the root of all: then the folder itself, which a run would have to make. */
function nearestFolder(place: string): string {
  let at = place;
  while (!existsSync(at) && dirname(at) !== at) at = dirname(at);
  return at === '/' ? place : at;
}

function readFolders(source: SourceConfiguration): readonly string[] {
  if (source.kind === 'files') return source.paths;
  if (source.kind === 'code') return [source.path];
  return source.kind === 'config' ? source.files.map((path) => dirname(path)).filter((path) => !/[*?]/.test(path)) : [];
}

function needsDocker(source: SourceConfiguration): boolean {
  if (source.kind === 'volumes' || source.kind === 'logs' || (source.kind === 'files' && source.volume !== undefined)) return true;
  return 'at' in source && ('service' in source.at || 'container' in source.at);
}

/** Without those that lie in others. */
function outermost(paths: readonly string[]): readonly string[] {
  const all = [...new Set(paths)];
  return all.filter((path) => !all.some((other) => other !== path && path.startsWith(`${other}/`)));
}
