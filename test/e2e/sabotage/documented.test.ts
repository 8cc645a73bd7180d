/** docs/sabotage.md lists what is planted here, each with the event that people are told. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { projectRoot } from '../../../scripts/run-program.ts';
import { accessPlants } from './access-plants.ts';
import { dataPlants } from './data-plants.ts';
import { hostPlants } from './host-plants.ts';
import { repositoryPlants } from './repository-plants.ts';

test('every plant stands in docs/sabotage.md with its alarm, and nothing else does', async () => {
  const page = await readFile(join(projectRoot, 'docs/sabotage.md'), 'utf8');
  const rows = [...page.matchAll(/^\| ([^|]+) \| `(\w+)`/gm)].map(([, name, event]) => `${name}: ${event}`);
  const plants = [...dataPlants, ...repositoryPlants, ...accessPlants, ...hostPlants].map(
    ({ name, expect: { event } }) => `${name}: ${event}`,
  );
  expect(plants.length).toBeGreaterThanOrEqual(30);
  expect(rows.toSorted()).toEqual(plants.toSorted());
});
