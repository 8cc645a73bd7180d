/** Backups that are bad because of the machine they are made on, and of what lets it in: each is told of in the night in which it happens. */
import { afterAll, afterEach, beforeAll, test, vi } from 'vitest';
import { accessPlants, started } from './access-plants.ts';
import { disks, hostPlants, mailServers } from './host-plants.ts';
import { play } from './plant.ts';
import { makeSabotageSystem, type SabotageSystem } from './sabotage-system.ts';

vi.setConfig({ testTimeout: 300_000, hookTimeout: 600_000 });

/** Of the application two components are enough here; and there are a second repository and a second receiver. */
function configured(text: string): string {
  return `${text
    .replace(/\n {2}(settings|cache|code): .*/g, '')
    .replace('\nschedule:', '\n  offsite: { url: ./offsite }\nschedule:')
    .replace('prune: never', "prune: '30 3 * * *'")}  - { name: second, webhook: '${/'(http:[^']*)\/hook'/.exec(text)?.[1]}/second' }\n`;
}

let system: SabotageSystem;
beforeAll(async () => void (system = await makeSabotageSystem({ configuration: configured })));
afterEach(async () => {
  for (const server of [...started.splice(0), ...mailServers.splice(0)]) await server.stop();
  for (const disk of disks.splice(0)) disk[Symbol.dispose]();
});
afterAll(() => system?.remove());

/* Small disks, and files of another user. */
const isRoot = process.getuid?.() === 0;
const plants = [...accessPlants, ...hostPlants].filter(({ name }) => isRoot || !/disk|belongs to somebody/.test(name));

test.each(plants.map((plant) => [plant.name, plant] as const))('%s', (_, plant) => play(system, plant));
