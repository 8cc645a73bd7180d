/** What goes wrong in the data itself, or in the way it is read. */
import { execFile } from 'node:child_process';
import { chmod, chown, copyFile, mkdir, readdir, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { noiseBytes } from '../../harness/trees/seeded-bytes.ts';
import type { Plant } from './plant.ts';
import { fillCache } from './sabotage-data.ts';
import { nobody, type CycleOptions, type SabotageSystem } from './sabotage-system.ts';

const inDatabase = (system: SabotageSystem, sql: string): Promise<unknown> => system.cluster.query(sql, 'shop');

export const dataPlants: readonly Plant[] = [
  {
    name: 'A dump program ends early, as if all were well',
    plant: (system) => withDump(system, 'REAL "$@" | head -c 20000'),
    expect: { event: 'failure', severity: 'critical', text: /database/ },
    mend: () => Promise.resolve(),
  },
  {
    name: 'A dump program dies',
    plant: (system) => withDump(system, 'REAL "$@" | head -c 9000; kill -9 $$'),
    expect: { event: 'failure', severity: 'critical', text: /database.*SIGKILL/ },
  },
  {
    name: 'A table is emptied',
    plant: async (system) => void (await inDatabase(system, 'TRUNCATE orders')),
    expect: { event: 'anomaly', component: 'database', text: /orders/ },
    mend: (system) => system.replaceDatabase('sound'),
  },
  {
    name: 'A small table beside large ones is emptied',
    plant: async (system) => void (await inDatabase(system, 'TRUNCATE attachments')),
    expect: { event: 'anomaly', component: 'database', text: /attachments/ },
  },
  {
    name: 'A table is dropped',
    plant: async (system) => void (await inDatabase(system, 'DROP TABLE orders')),
    expect: { event: 'anomaly', component: 'database', text: /orders/ },
  },
  {
    name: 'The database is replaced by an empty one of the same name',
    plant: (system) => system.replaceDatabase('template1'),
    expect: { event: 'anomaly', severity: 'critical', component: 'database', text: /orders had .* now it is gone/ },
    mend: (system) => system.replaceDatabase('sound'),
  },
  {
    name: 'The database is put back to an old state',
    plant: async (system) => void (await inDatabase(system, 'DELETE FROM orders WHERE id > 1200; DELETE FROM attachments')),
    expect: { event: 'anomaly', component: 'database', text: /rows/ },
  },
  {
    name: 'The address leads to another database of the server',
    plant: (system) => system.configure((text) => text.replace('/shop', '/postgres')),
    expect: { event: 'anomaly', severity: 'critical', component: 'database', text: /orders had .* now it is gone/ },
  },
  {
    name: 'A file that a row names is gone',
    plant: (system) => rm(system.path('uploads', 'day-100-7.txt')),
    jobs: ['backup', 'drill'],
    expect: { event: 'drill', severity: 'critical', text: /day-100-7\.txt/ },
    mend: (system) => writeFile(system.path('uploads', 'day-100-7.txt'), 'as it was'),
  },
  {
    name: 'The folder of uploads is emptied',
    plant: (system) => clear(system.path('uploads')),
    expect: { event: 'anomaly', severity: 'critical', component: 'uploads', text: /files/ },
  },
  {
    name: 'The disk with the uploads is not mounted: the folder is an empty one',
    plant: async (system) => {
      await rename(system.path('uploads'), system.path('uploads.disk'));
      await mkdir(system.path('uploads'));
    },
    expect: { event: 'anomaly', severity: 'critical', component: 'uploads', text: /0 files/ },
    mend: async (system) => {
      await rm(system.path('uploads'), { recursive: true });
      await rename(system.path('uploads.disk'), system.path('uploads'));
    },
  },
  {
    name: 'The folder of uploads has another name now',
    plant: (system) => rename(system.path('uploads'), system.path('uploads.2027')),
    expect: { event: 'failure', severity: 'critical', text: /uploads/ },
    mend: (system) => rename(system.path('uploads.2027'), system.path('uploads')),
  },
  {
    name: 'The uploads are encrypted by ransomware',
    plant: (system) => encryptAll(system.path('uploads')),
    expect: { event: 'anomaly', component: 'uploads', text: /changed|encrypted/ },
  },
  {
    name: 'Files may not be read any more',
    plant: async (system) => {
      await promisify(execFile)('chown', ['-R', String(nobody), system.folder]);
      await chown(system.path('uploads', 'day-100-7.txt'), 0, 0);
      await chmod(system.path('uploads', 'day-100-7.txt'), 0o600);
      return { isNobody: true };
    },
    expect: { event: 'failure', text: /day-100-7\.txt/ },
  },
  {
    name: 'A pattern leaves everything out',
    plant: (system) => system.configure((text) => text.replace('files: ./uploads', "files: { path: ./uploads, exclude: '*' }")),
    expect: { event: 'anomaly', severity: 'critical', component: 'uploads', text: /files/ },
  },
  {
    name: 'A component is taken out of holdfast.yaml',
    plant: (system) => system.configure((text) => text.replace(/\n {2}cache: /, '\n  # cache: ')),
    expect: { event: 'anomaly', component: 'cache', text: /cache.*holdfast\.yaml/ },
    mend: (system) => system.configure((text) => text.replace('# cache: ', 'cache: ')),
  },
  {
    name: 'The file with the secrets is emptied',
    plant: (system) => truncate(system.path('.env')),
    expect: { event: 'anomaly', component: 'settings', text: /\.env/ },
    mend: (system) => writeFile(system.path('.env'), 'APP_PORT=8080\nSESSION_SECRET=not-for-everybody\n'),
  },
  {
    name: 'The file with the secrets is gone',
    plant: (system) => rm(system.path('.env')),
    expect: { event: 'failure', text: /\.env/ },
  },
  {
    name: 'Redis does not answer',
    plant: (system) => system.redis.kill(),
    expect: { event: 'failure', severity: 'critical', text: /cache/ },
    mend: async (system) => {
      await system.redis.start();
      await fillCache(system);
    },
  },
  {
    name: 'Redis was started empty',
    plant: async (system) => void (await system.redis.cli('FLUSHALL')),
    expect: { event: 'anomaly', component: 'cache', text: /keys/ },
  },
  {
    name: 'The place that the code comes from is gone',
    plant: (system) => rename(system.path('origin.git'), system.path('elsewhere.git')),
    jobs: ['backup', 'drill'],
    expect: { event: 'drill', text: /code: / },
    mend: (system) => rename(system.path('elsewhere.git'), system.path('origin.git')),
  },
];

/** Another pg_dump for the jobs; REAL is the one of before. */
async function withDump(system: SabotageSystem, script: string): Promise<CycleOptions> {
  const program = join(system.cluster.toolsFolder, 'pg_dump');
  const [other, real] = [system.path('pg_dump'), system.path('pg_dump.real')];
  await copyFile(program, real);
  const text = `#!/bin/sh\nif [ "$1" = --version ]; then exec ${real} --version; fi\n${script.replaceAll('REAL', real)}\n`;
  await writeFile(other, text, { mode: 0o755 });
  return { programs: { [program]: other } };
}

async function clear(folder: string): Promise<void> {
  for (const name of await readdir(folder)) await rm(join(folder, name));
}

async function encryptAll(folder: string): Promise<void> {
  for (const name of await readdir(folder)) await writeFile(join(folder, name), noiseBytes(`secret of ${name}`, 7000));
}
