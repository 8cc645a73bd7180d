/** The application's server as a whole: a base backup, and its write-ahead log behind it. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { SabotageSystem } from './sabotage-system.ts';

/** Configures it, saves it and its log, and has it drilled. Throws where that was not sound. */
export async function addServer(system: SabotageSystem): Promise<void> {
  const component = `  server: { postgres: { url: '${system.cluster.url('postgres')}', mode: physical }, schedule: never }\n`;
  await system.configure((text) =>
    text.replace('\ndrills:\n', `\n${component}drills:\n  log: { schedule: '0 6 * * *', kind: check, restore: [server] }\n`),
  );
  // Of the system before.
  await system.cluster.query('SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots');
  await well(system, 'backup', 'server');
  for (const round of [1, 2, 3]) {
    await system.cluster.query(
      `DROP TABLE IF EXISTS moment_${round}; CREATE TABLE moment_${round} AS SELECT generate_series(1, 1000) i; SELECT pg_switch_wal()`,
      'postgres',
    );
    await well(system, 'wal', 'stream', '--once');
  }
  await well(system, 'drill', 'log');
}

/** The objects of the repository that hold it, in the order of the log. */
export async function walObjects(system: SabotageSystem): Promise<readonly string[]> {
  const folder = system.path('repository', 'holdfast', 'wal');
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return files.toSorted();
}

async function well(system: SabotageSystem, ...words: string[]): Promise<void> {
  const { status, stderr } = await system.run([...words, '-c', system.path('holdfast.yaml')]);
  if (status !== 0) throw new Error(`holdfast ${words.join(' ')} ended with ${status}: ${stderr}`);
}
