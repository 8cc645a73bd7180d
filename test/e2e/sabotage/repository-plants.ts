/** What goes wrong where the backups lie. */
import { readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { forgeDatabase } from './forge-database.ts';
import type { Plant } from './plant.ts';
import type { SabotageSystem } from './sabotage-system.ts';
import { addServer, walObjects } from './server-with-log.ts';

export const repositoryPlants: readonly Plant[] = [
  {
    name: 'A pack is deleted',
    plant: async (system) => rename(await largestPack(system), system.path('pack')),
    jobs: ['check'],
    expect: { event: 'failure', severity: 'critical', text: /pack/ },
  },
  {
    name: 'A bit of a pack is flipped',
    plant: async (system) => flipBit(await largestPack(system)),
    jobs: ['check'],
    expect: { event: 'failure', severity: 'critical', text: /pack/ },
    mend: async (system) => flipBit(await largestPack(system)),
  },
  {
    name: 'The index is deleted',
    plant: async (system) => rename(system.path('repository', 'index'), system.path('index')),
    jobs: ['backup', 'check'],
    expect: { event: 'failure', severity: 'critical', text: /index|blob|pack/ },
  },
  {
    name: 'A point is deleted by another program',
    plant: async (system) => rm(await newest(system.path('repository', 'snapshots'))),
    expect: { event: 'anomaly', text: /gone/ },
  },
  {
    name: 'The repository is replaced by an empty one',
    plant: async (system) => {
      await rename(system.path('repository'), system.path('repository.old'));
      await system.run(['repo', 'init', '-r', system.path('repository')]);
    },
    expect: { event: 'anomaly', text: /repository.*another/ },
    mend: async (system) => {
      await rm(system.path('repository'), { recursive: true });
      await rename(system.path('repository.old'), system.path('repository'));
    },
  },
  {
    name: 'The disk with the repository is not mounted: a new one begins in its folder',
    plant: (system) => rename(system.path('repository'), system.path('repository.disk')),
    expect: { event: 'anomaly', text: /repository.*another/ },
    mend: async (system) => {
      await rm(system.path('repository'), { recursive: true });
      await rename(system.path('repository.disk'), system.path('repository'));
    },
  },
  {
    name: 'A report of a drill is taken away',
    plant: async (system) => {
      await system.job('drill');
      const folder = system.path('repository', 'holdfast', 'drills');
      const [first = ''] = (await readdir(folder)).toSorted();
      await rename(join(folder, first), system.path('report'));
    },
    jobs: [],
    expect: { event: 'drill', text: /report.*missing/ },
  },
  {
    name: 'What was saved is not what the database held',
    plant: (system) => forgeDatabase(system, (text) => text.replace(/"rows": (\d+)/, (_, rows) => `"rows": ${Number(rows) + 1}`)),
    jobs: ['drill'],
    expect: { event: 'drill', severity: 'critical', text: /rows of/ },
  },
  {
    name: 'A segment of the write-ahead log is missing',
    plant: async (system) => {
      await addServer(system);
      const objects = await walObjects(system);
      await rm(objects[Math.floor(objects.length / 2)] ?? '');
    },
    jobs: ['log'],
    expect: { event: 'drill', severity: 'critical', text: /WAL|log/ },
  },
  {
    name: 'The write-ahead log behind a base backup is gone',
    plant: async (system) => {
      await addServer(system);
      // As it is looked at each hour.
      await system.run(['status', '-c', system.path('holdfast.yaml')]);
      await rm(system.path('repository', 'holdfast', 'wal'), { recursive: true });
    },
    jobs: [],
    expect: { event: 'anomaly', severity: 'critical', component: 'server', text: /write-ahead log behind that is gone/ },
  },
];

async function filesBelow(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

async function largestPack(system: SabotageSystem): Promise<string> {
  const packs = await filesBelow(system.path('repository', 'data'));
  const sized = await Promise.all(packs.map(async (file) => [(await stat(file)).size, file] as const));
  return sized.toSorted(([a], [b]) => b - a)[0]?.[1] ?? '';
}

async function newest(folder: string): Promise<string> {
  const timed = await Promise.all((await filesBelow(folder)).map(async (file) => [(await stat(file)).mtimeMs, file] as const));
  return timed.toSorted(([a], [b]) => b - a)[0]?.[1] ?? '';
}

async function flipBit(file: string): Promise<void> {
  const bytes = await readFile(file);
  const at = Math.floor(bytes.length / 3);
  bytes[at] = (bytes[at] ?? 0) ^ 16;
  await writeFile(file, bytes);
}
