/** What the schema cannot see: values that must fit to others. */
import { baseNameOf } from './base-backups.ts';
import { findBrokenDrills } from './broken-drills.ts';
import { findStraySmokeTests } from './stray-smoke-tests.ts';
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
    ...findStraySmokeTests(file, file.recovery?.smoke, ['recovery', 'smoke'], tree),
    ...findUnknownArchived(file, tree),
    ...findBrokenDrills(file, tree),
    ...findStrayNotifications(file, tree),
    ...findDoubleTokens(file, tree),
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

/** The audit trail names people by their tokens. */
function findDoubleTokens({ serve }: ConfigurationFile, tree: Located): ConfigurationProblem[] {
  const tokens = Array.isArray(serve?.tokens) ? serve.tokens : [];
  return tokens.flatMap(({ name }, index) =>
    tokens.findIndex((other) => other.name === name) === index
      ? []
      : [
          problemAt(
            placeOf(tree, ['serve', 'tokens', index, 'name']),
            `found the token ${show(name)} again, allowed are names that differ`,
          ),
        ],
  );
}

/** Routes are named on the command line, and told of components of this file. */
function findStrayNotifications({ components, notify = [] }: ConfigurationFile, tree: Located): ConfigurationProblem[] {
  const names = Object.keys(components).flatMap((name) => [name, baseNameOf(name)]);
  return notify.flatMap(({ name, components: wanted }, index) => {
    const again =
      name !== undefined && notify.findIndex((other) => other.name === name) !== index
        ? [problemAt(placeOf(tree, ['notify', index, 'name']), `found the name ${show(name)} again, allowed are names that differ`)]
        : [];
    const unknown = (typeof wanted === 'string' ? [wanted] : (wanted ?? [])).flatMap((component, at) => {
      if (names.includes(component)) return [];
      const near = nearestWord(component, names);
      const path = ['notify', index, 'components', ...(typeof wanted === 'string' ? [] : [at])];
      const message = `found the component ${show(component)} for a notification, allowed are ${Object.keys(components).join(', ')}${near === undefined ? '' : `; did you mean "${near}"?`}`;
      return [problemAt(placeOf(tree, path), message)];
    });
    return [...again, ...unknown];
  });
}
