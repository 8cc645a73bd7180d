/** Queries of smoke tests and drills that ask no database, or not a certain one. */
import { show } from './describe-issues.ts';
import { placeOf, problemAt, type ConfigurationProblem, type Located, type ProblemPath } from './located-tree.ts';
import { nearestWord } from './nearest-word.ts';
import type { ConfigurationFile } from './schema/schema.ts';

type WrittenTests = NonNullable<ConfigurationFile['recovery']>['smoke'];

/** @param above where the tests stand */
export function findStraySmokeTests(
  { components }: Pick<ConfigurationFile, 'components'>,
  tests: WrittenTests,
  above: ProblemPath,
  tree: Located,
): ConfigurationProblem[] {
  const databases = Object.entries(components).flatMap(([name, { postgres }]) => (postgres === undefined ? [] : [name]));
  return (Array.isArray(tests) ? tests : [tests]).flatMap((test, index) => {
    if (typeof test !== 'object' || test.sql === undefined) return [];
    const path = [...above, ...(Array.isArray(tests) ? [index] : [])];
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
