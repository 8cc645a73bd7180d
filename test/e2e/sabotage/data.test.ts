/** Backups that are bad because of what is in them, or of what happened to them where they lie: each is told of in the night in which it happens. */
import { afterAll, beforeAll, describe, test, vi } from 'vitest';
import { dataPlants } from './data-plants.ts';
import { play } from './plant.ts';
import { repositoryPlants } from './repository-plants.ts';
import { makeSabotageSystem, type SabotageSystem } from './sabotage-system.ts';

vi.setConfig({ testTimeout: 300_000, hookTimeout: 600_000 });

let system: SabotageSystem;
beforeAll(async () => void (system = await makeSabotageSystem()));
afterAll(() => system?.remove());

describe.each([
  ['in the data', dataPlants],
  ['where the backups lie', repositoryPlants],
])('%s', (_where, plants) => {
  test.each(plants.map((plant) => [plant.name, plant] as const))('%s', (_, plant) => play(system, plant));
});
