/** A full base backup made of a chain, without the server: keeps chains short. */
import { tmpdir } from 'node:os';
import { HoldfastError } from '../../../errors.ts';
import type { CapturedTree, CaptureContext, Source, StreamEntry } from '../../source.ts';
import { PageMapWriter } from '../pages/page-map.ts';
import { baseLayout } from './base-layout.ts';
import { type BaseManifest, encodeBaseManifest } from './base-manifest.ts';
import { checkChain } from './check-chain.ts';
import { encodeServerManifest, readServerManifest } from './server-manifest.ts';
import { SyntheticFiles } from './synthetic-files.ts';

/** One snapshot of a chain, as its reader sees it. */
export interface SnapshotInChain {
  readonly snapshotId: string;
  readonly manifest: BaseManifest;
  readonly tree: CapturedTree;
}

export interface SyntheticFullOptions {
  readonly component: string;
  /** The full, then every increment up to the one whose state is wanted. */
  readonly chain: readonly SnapshotInChain[];
  /** For temporary files; the system's by default. */
  readonly workFolder?: string;
}

/**
 * The state of the last base backup of a chain as a full one, kind `postgres-base`: files are combined while they are stored, and compared with the checksums
 * of the server's manifest. Start, end and times are those of the last. Its capture throws `damaged` (a chain that does not fit together), `base-mismatch`, `interrupted`.
 */
export function createSyntheticFull(options: SyntheticFullOptions): Source {
  const { component, chain } = options;
  return {
    kind: 'postgres-base',
    component,
    describe: () => {
      const { last } = checkChain(chain);
      const { systemId, serverVersion } = last.manifest;
      return Promise.resolve({
        kind: 'postgres-base',
        component,
        title: `cluster ${systemId}`,
        facts: { server: serverVersion, systemId },
      });
    },
    capture: (context) => Promise.resolve({ shape: 'streams', entries: synthesize(options, context) }),
  };
}

async function* synthesize(
  { chain, workFolder = tmpdir() }: SyntheticFullOptions,
  { events, signal }: CaptureContext,
): AsyncGenerator<StreamEntry, void, undefined> {
  const { last } = checkChain(chain);
  // Of increments that the server made there are neither page hashes nor a manifest of the whole.
  const isServerSide = last.manifest.serverSide === true;
  const listed = await readServerManifest(baseLayout.serverManifest, last.tree.read(baseLayout.serverManifest));
  const map = isServerSide ? new PageMapWriter(workFolder, last.manifest.pageSize) : undefined;
  const made = new SyntheticFiles(chain.slice(0, -1), last, listed, map);
  try {
    const phase = 'synthesize';
    events({ type: 'phase', phase });
    await made.prepare();
    let itemsDone = 0;
    for await (const entry of last.tree.entries(baseLayout.root)) {
      if (signal.aborted) throw new HoldfastError('interrupted');
      if (entry.path === baseLayout.manifest || (isServerSide && entry.path === baseLayout.serverManifest)) continue;
      yield made.entryOf(entry);
      itemsDone += 1;
      const { bytes: bytesTotal, files: itemsTotal } = last.manifest;
      events({
        type: 'progress',
        phase,
        itemsDone,
        itemsTotal: Math.max(itemsTotal, itemsDone),
        bytesDone: made.bytes,
        bytesTotal,
        current: entry.path,
      });
    }
    const files = made.finish();
    const modified = new Date(last.manifest.endedAt);
    const owner = made.owner === undefined ? {} : { owner: made.owner };
    if (isServerSide)
      yield {
        path: baseLayout.serverManifest,
        mode: 0o600,
        modified,
        ...owner,
        open: () => streamOf(encodeServerManifest({ ...listed, files })),
      };
    if (map !== undefined) yield { path: baseLayout.pageMap, mode: 0o600, modified, open: () => streamOf(map.stream()) };
    yield { path: baseLayout.manifest, mode: 0o600, modified, open: () => streamOf([encodeBaseManifest(asFull(last.manifest))]) };
  } finally {
    map?.close();
  }
}

function asFull({ serverSide: _serverSide, pagesChanged: _pagesChanged, ...manifest }: BaseManifest): BaseManifest {
  return { ...manifest, kind: 'full', chain: [] };
}

async function* streamOf(content: Iterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  yield* content;
}
