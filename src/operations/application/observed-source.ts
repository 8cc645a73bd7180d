/** Watches a component while it is captured: what the point's manifest says about it is learnt on the way. */
import { createHash } from 'node:crypto';
import type { Capture, Source, StreamEntry } from '../../sources/source.ts';
import type { ApplicationComponent } from './application-sources.ts';
import type { ManifestComponent } from './application-manifest.ts';
import { addCounts, baseRecord, readCounts, readTables, type TableCounts } from './source-counts.ts';

type Facts = Record<string, string | number>;

export interface ObservedComponent {
  readonly component: ApplicationComponent;
  /** Opens the component's own source when it is captured: a component that cannot be reached fails alone. */
  readonly source: Source;
  /** Connects, and remembers what the source says about itself. Throws what keeps it from being captured. */
  readonly check: () => Promise<void>;
  /** What was learnt so far. */
  readonly observed: () => Observation;
}

export type Observation = Pick<ManifestComponent, 'title' | 'facts' | 'tables' | 'streams' | 'paths'>;

const largestRecord = 16 * 1024 * 1024;

export function observe(component: ApplicationComponent): ObservedComponent {
  const { name, kind } = component;
  let title: string | undefined;
  let facts: Facts = {};
  let counts: Facts = {};
  let tables: TableCounts = {};
  let paths: readonly string[] = [];
  const streams: Observation['streams'] = [];
  const describe = async (): Promise<Awaited<ReturnType<Source['describe']>>> => {
    const described = await (await component.open()).describe();
    ({ title } = described);
    facts = { ...described.facts };
    return described;
  };
  const watch = (entry: StreamEntry): StreamEntry => ({ ...entry, open: () => watchBytes(entry) });
  async function* watchBytes(entry: StreamEntry): AsyncGenerator<Uint8Array, void, undefined> {
    const hash = createHash('sha256');
    const kept: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of entry.open()) {
      hash.update(chunk);
      size += chunk.length;
      if (entry.path.endsWith('.json') && size <= largestRecord) kept.push(Uint8Array.from(chunk));
      yield chunk;
    }
    streams.push({ path: entry.path.toWellFormed(), size, sha256: hash.digest('hex') });
    if (kept.length === 0 || size > largestRecord) return;
    const record = Buffer.concat(kept);
    counts = addCounts(counts, readCounts(kind, record));
    tables = { ...tables, ...readTables(kind, record) };
  }
  const capture: Source['capture'] = async (context): Promise<Capture> => {
    const captured = await (await component.open()).capture(context);
    streams.length = 0;
    counts = {};
    tables = {};
    if (captured.shape === 'tree') {
      paths = captured.roots;
      return captured;
    }
    paths = [`/${kind}`];
    // The files of a server are thousands, each proved by the server's own manifest: of them only the record is of interest.
    const isWatched = ({ path }: StreamEntry): boolean => kind !== 'postgres-base' || path === baseRecord;
    return { ...captured, entries: mapEntries(captured.entries, (entry) => (isWatched(entry) ? watch(entry) : entry)) };
  };
  return {
    component,
    source: { kind, component: name, describe, capture },
    check: async () => void (await describe()),
    observed: () => ({
      ...(title === undefined ? {} : { title }),
      facts: { ...facts, ...counts },
      ...(Object.keys(tables).length === 0 ? {} : { tables }),
      paths: paths.map((path) => path.toWellFormed()),
      streams: [...streams],
    }),
  };
}

async function* mapEntries(
  entries: AsyncIterable<StreamEntry>,
  map: (entry: StreamEntry) => StreamEntry,
): AsyncGenerator<StreamEntry, void, undefined> {
  for await (const entry of entries) yield map(entry);
}
