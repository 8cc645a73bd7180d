/** What a drill names must be there. */
import { baseNameOf } from './base-backups.ts';
import { show } from './describe-issues.ts';
import { placeOf, problemAt, type ConfigurationProblem, type Located, type ProblemPath } from './located-tree.ts';
import { nearestWord } from './nearest-word.ts';
import type { ConfigurationFile } from './schema/schema.ts';
import { findStraySmokeTests } from './stray-smoke-tests.ts';

export function findBrokenDrills(file: ConfigurationFile, tree: Located): ConfigurationProblem[] {
  const { components, repositories, drills = {} } = file;
  const names = Object.keys(components);
  const known = names.flatMap((name) => [name, baseNameOf(name)]);
  const unknown = (what: string, name: string, path: ProblemPath, among: readonly string[], shown: readonly string[]) => {
    if (among.includes(name)) return [];
    const near = nearestWord(name, among);
    const message = `found the ${what} ${show(name)} for a drill, allowed are ${shown.join(', ')}${near === undefined ? '' : `; did you mean "${near}"?`}`;
    return [problemAt(placeOf(tree, path), message)];
  };
  return Object.entries(drills).flatMap(([drill, { restore, repository, assert }]) => [
    ...(typeof restore === 'string' ? [restore] : (restore ?? [])).flatMap((name, index) =>
      unknown('component', name, ['drills', drill, 'restore', ...(typeof restore === 'string' ? [] : [index])], known, names),
    ),
    ...(repository === undefined
      ? []
      : unknown('repository', repository, ['drills', drill, 'repository'], Object.keys(repositories), Object.keys(repositories))),
    ...findStraySmokeTests(file, assert, ['drills', drill, 'assert'], tree),
  ]);
}
