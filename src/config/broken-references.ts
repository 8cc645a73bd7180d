/** What the schema cannot see: values that must fit to others. */
import { baseNameOf } from './base-backups.ts';
import type { ConfigurationFile } from './schema/schema.ts';
import { show } from './describe-issues.ts';
import { placeOf, problemAt, type ConfigurationProblem, type Located } from './located-tree.ts';
import { nearestWord } from './nearest-word.ts';
import { understandAddress } from './understand-file.ts';

/** Names that holdfast gives to snapshots of its own. */
const reservedComponents = new Set(['point', 'report']);

export function findBrokenReferences(file: ConfigurationFile, tree: Located, folder: string): ConfigurationProblem[] {
  return [
    ...findReservedNames(file, tree),
    ...findTakenNames(file, tree),
    ...findDoubleRepositories(file, tree, folder),
    ...findStraySmokeTests(file, tree),
    ...findUnknownArchived(file, tree),
  ];
}

function findReservedNames({ components }: ConfigurationFile, tree: Located): ConfigurationProblem[] {
  return Object.keys(components)
    .filter((name) => reservedComponents.has(name))
    .map((name) =>
      problemAt(
        placeOf(tree, ['components', name]),
        `found a component ${show(name)}, allowed are other names: holdfast uses this one itself`,
      ),
    );
}

/** The base backups beside a dump have a name of their own. */
function findTakenNames({ components }: ConfigurationFile, tree: Located): ConfigurationProblem[] {
  return Object.entries(components).flatMap(([name, { postgres }]) => {
    const taken = baseNameOf(name);
    if (typeof postgres !== 'object' || postgres.mode !== 'both' || !(taken in components)) return [];
    const message = `found a component ${show(taken)}, allowed are other names: the base backups of ${show(name)} are called so`;
    return [problemAt(placeOf(tree, ['components', taken]), message)];
  });
}

/** A copy beside itself is no second copy. */
function findDoubleRepositories({ repositories }: ConfigurationFile, tree: Located, folder: string): ConfigurationProblem[] {
  const first = new Map<string, string>();
  const problems: ConfigurationProblem[] = [];
  for (const [name, repository] of Object.entries(repositories)) {
    const address = understandAddress(typeof repository === 'string' ? repository : repository.url, folder);
    const other = first.get(address);
    if (other === undefined) first.set(address, name);
    else {
      const place = placeOf(tree, ['repositories', name, ...(typeof repository === 'string' ? [] : ['url'])]);
      problems.push(problemAt(place, `found the address of the repository ${show(other)} again, allowed are addresses that differ`));
    }
  }
  return problems;
}

function findStraySmokeTests({ components, recovery }: ConfigurationFile, tree: Located): ConfigurationProblem[] {
  const databases = Object.entries(components).flatMap(([name, { postgres }]) => (postgres === undefined ? [] : [name]));
  const tests = recovery?.smoke;
  return (Array.isArray(tests) ? tests : [tests]).flatMap((test, index) => {
    if (typeof test !== 'object' || test.sql === undefined) return [];
    const path = ['recovery', 'smoke', ...(Array.isArray(tests) ? [index] : [])];
    const allowed =
      databases.length === 0 ? 'allowed are none: no component is a PostgreSQL database' : `allowed are ${databases.join(', ')}`;
    if (test.component === undefined) {
      if (databases.length === 1) return [];
      return [problemAt(placeOf(tree, [...path, 'sql']), `found a query without the component whose database it asks, ${allowed}`)];
    }
    if (databases.includes(test.component)) return [];
    const near = nearestWord(test.component, databases);
    const message = `found the component ${show(test.component)} for a query, ${allowed}${near === undefined ? '' : `; did you mean "${near}"?`}`;
    return [problemAt(placeOf(tree, [...path, 'component']), message)];
  });
}

/** What an archive holds are components of this file, or the base backups beside one. */
function findUnknownArchived({ components, archives = {} }: ConfigurationFile, tree: Located): ConfigurationProblem[] {
  const names = Object.keys(components).flatMap((name) => [name, baseNameOf(name)]);
  return Object.entries(archives).flatMap(([archive, { components: wanted }]) =>
    (typeof wanted === 'string' ? [wanted] : (wanted ?? [])).flatMap((name, index) => {
      if (names.includes(name)) return [];
      const near = nearestWord(name, names);
      const path = ['archives', archive, 'components', ...(typeof wanted === 'string' ? [] : [index])];
      const message = `found the component ${show(name)} for an archive, allowed are ${Object.keys(components).join(', ')}${near === undefined ? '' : `; did you mean "${near}"?`}`;
      return [problemAt(placeOf(tree, path), message)];
    }),
  );
}
