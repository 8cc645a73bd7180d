/** Points that look like those of the application, and say something else than what was dumped. */
import { openCapturedTree } from '../../../src/operations/captured-tree.ts';
import { createRecordSource } from '../../../src/operations/application/point-source.ts';
import { backUp } from '../../../src/operations/back-up.ts';
import { openSession } from '../../../src/operations/open-session.ts';
import { loadPoints } from '../../../src/operations/points.ts';
import { ignoreEvents } from '../../../src/events.ts';
import { systemClock } from '../../../src/util/clock.ts';
import { password } from '../../../src/cli/testing/run-holdfast.ts';
import type { SabotageSystem } from './sabotage-system.ts';

/** Adds a point with the newest dump of the database, with its JSON records changed. */
export async function forgeDatabase(system: SabotageSystem, change: (text: string) => string): Promise<void> {
  const { signal } = new AbortController();
  const repository = await openSession({ url: system.path('repository'), password: () => Promise.resolve(password) });
  try {
    const components = (await loadPoints(repository)).toReversed().flatMap((point) => point.components);
    const saved = components.find(({ tags }) => tags.component === 'database');
    if (saved === undefined) throw new Error('no database was saved');
    const tree = openCapturedTree(repository, saved, signal);
    const records: { path: string; modified: Date; open: () => AsyncGenerator<Uint8Array> }[] = [];
    for await (const { path } of tree.list()) {
      const chunks: Uint8Array[] = [];
      for await (const chunk of tree.read(path)) chunks.push(chunk);
      const bytes = Buffer.concat(chunks);
      const written = path.endsWith('.json') ? Buffer.from(change(bytes.toString('utf8'))) : bytes;
      records.push({ path, modified: systemClock.now(), open: () => once(written) });
    }
    const source = createRecordSource('database', 'postgres', records);
    const order = { components: [{ source, paths: ['/postgres'] }], application: 'shop' };
    await backUp(repository, order, { events: ignoreEvents, signal });
  } finally {
    await repository.close();
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
