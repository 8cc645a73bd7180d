/** The files of a cluster as entries of a snapshot: whole, or of relation files the pages that have changed. */
import { HoldfastError } from '../../../errors.ts';
import type { CaptureContext, EntryOwner, StreamEntry } from '../../source.ts';
import { type BaseBackup, type BaseEntry, manifestName } from '../replication/base-backup.ts';
import { ChangedPages } from '../pages/changed-pages.ts';
import { encodeIncrementalHeader } from '../pages/incremental-file.ts';
import { IncrementalHeaderReader } from '../pages/incremental-header-reader.ts';
import { PageHasher } from '../pages/page-hasher.ts';
import { type PageMap, PageMapWriter } from '../pages/page-map.ts';
import { incrementalPath, isCutIntoPages, isRelationFile, pathOfIncremental } from '../pages/relation-file.ts';
import { selectChangedPages } from '../pages/select-changed-pages.ts';
import { baseLayout, tablespaceFolder } from './base-layout.ts';

export interface ClusterStreamsOptions {
  readonly pageSize: number;
  /** Of the base that this one is an increment of, where the pages are compared here. */
  readonly previous: PageMap | undefined;
  /** Whether page hashes are made for the next increment: not where the server sends only what has changed. */
  readonly keepMap: boolean;
  readonly workFolder: string;
  readonly startedAt: Date;
}

/** Bytes between two events. */
const progressStep = 8 * 1024 * 1024;

export class ClusterStreams {
  readonly #options: ClusterStreamsOptions;
  readonly #changed: ChangedPages;
  readonly map: PageMapWriter | undefined;
  /** Of the cluster as it is after restoring; pages only of increments. */
  files = 0;
  bytes = 0;
  pagesChanged = 0;
  #received = 0;
  #owner: EntryOwner | undefined;

  constructor(options: ClusterStreamsOptions) {
    this.#options = options;
    this.map = options.keepMap ? new PageMapWriter(options.workFolder, options.pageSize) : undefined;
    this.#changed = new ChangedPages(options.workFolder);
  }

  async *of(backup: BaseBackup, context: CaptureContext): AsyncGenerator<StreamEntry, void, undefined> {
    const counted = this.#counter(backup, context);
    for await (const entry of backup.entries) yield* this.#entry({ ...entry, content: counted(entry) });
    // The roots, which the server does not send: as PostgreSQL wants them.
    const modified = this.#options.startedAt;
    const roots = [baseLayout.data, ...backup.tablespaces.map(({ oid }) => tablespaceFolder(oid))];
    const owner = this.#owner === undefined ? {} : { owner: this.#owner };
    for (const path of [...roots, ...(roots.length > 1 ? [baseLayout.tablespaces] : [])])
      yield { path, type: 'folder', mode: 0o700, modified, ...owner, open: nothing };
  }

  close(): void {
    this.map?.close();
    this.#changed.close();
  }

  async *#entry(entry: BaseEntry): AsyncGenerator<StreamEntry, void, undefined> {
    const { type, mode, modified, uid, gid, tablespace, path } = entry;
    const folder = tablespace === undefined ? baseLayout.data : tablespaceFolder(tablespace);
    const isManifest = tablespace === undefined && path === manifestName;
    // The server makes its manifest up while it sends it: it belongs to whoever the other files belong to.
    const owner: EntryOwner = isManifest ? (this.#owner ?? { uid, gid }) : (this.#owner = { uid, gid });
    const common = { path: `${folder}/${path}`, mode, modified, owner };
    if (type === 'folder') yield { ...common, type, open: nothing };
    else if (type === 'link') yield { ...common, type, linkTarget: linkTargetOf(entry), open: nothing };
    else {
      this.files += 1;
      // As PostgreSQL's manifest names it.
      const name = tablespace === undefined ? path : `pg_tblspc/${tablespace}/${path}`;
      const isCut = isCutIntoPages(name, entry.size, this.#options.pageSize);
      const previous = isCut ? this.#options.previous?.read(name) : undefined;
      if (previous !== undefined) yield* this.#increment(entry, name, previous, common);
      else yield this.#whole(entry, name, isCut, common);
    }
  }

  #whole(entry: BaseEntry, name: string, isCut: boolean, common: Pick<StreamEntry, 'path' | 'modified'>): StreamEntry {
    const isIncrement = !this.#options.keepMap && pathOfIncremental(name) !== undefined;
    const content = isIncrement
      ? this.#measured(entry, name)
      : isCut && this.map !== undefined
        ? this.#hashed(entry, name, this.map)
        : this.#plain(entry);
    return {
      ...common,
      type: 'file',
      ...(isCut || isIncrement || isRelationFile(name) ? { chunks: 'fixed' } : {}),
      ...(entry.size < 0 ? {} : { size: entry.size }),
      open: () => content,
    };
  }

  async *#increment(
    entry: BaseEntry,
    name: string,
    previous: Buffer,
    common: Pick<StreamEntry, 'path' | 'modified'>,
  ): AsyncGenerator<StreamEntry, void, undefined> {
    const { pageSize } = this.#options;
    const changed = this.#changed;
    const selection = await selectChangedPages({ content: entry.content, size: entry.size, pageSize, previous, changed });
    this.bytes += entry.size;
    if (selection.kind === 'whole') {
      this.pagesChanged += entry.size / pageSize;
      yield { ...common, type: 'file', chunks: 'fixed', size: entry.size, open: () => selection.content };
      this.map?.add(name, selection.hashes());
    } else {
      const { header, hashes } = selection;
      this.pagesChanged += header.blocks.length;
      this.map?.add(name, hashes);
      const open = async function* open(): AsyncGenerator<Uint8Array, void, undefined> {
        yield encodeIncrementalHeader(header, pageSize);
        yield* changed.stream();
      };
      yield { ...common, path: incrementalPath(common.path), type: 'file', chunks: 'fixed', open };
    }
    changed.clear();
  }

  async *#plain({ content }: BaseEntry): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const chunk of content) {
      this.bytes += chunk.length;
      yield chunk;
    }
  }

  async *#hashed({ content, size }: BaseEntry, name: string, map: PageMapWriter): AsyncGenerator<Uint8Array, void, undefined> {
    const hasher = new PageHasher(this.#options.pageSize, size);
    for await (const chunk of content) {
      hasher.push(chunk);
      this.bytes += chunk.length;
      yield chunk;
    }
    map.add(name, hasher.hashes);
  }

  /** What the server chose: how long the file will be stands in the header. */
  async *#measured({ content, size }: BaseEntry, name: string): AsyncGenerator<Uint8Array, void, undefined> {
    const reader = new IncrementalHeaderReader({ name, size, pageSize: this.#options.pageSize });
    for await (const chunk of content) {
      reader.push(chunk);
      yield chunk;
    }
    const { header, length } = reader.finish();
    this.bytes += length * this.#options.pageSize;
    this.pagesChanged += header.blocks.length;
  }

  #counter(backup: BaseBackup, { events }: CaptureContext): (entry: BaseEntry) => AsyncIterable<Uint8Array> {
    const files = (): number => this.files;
    const phase = 'base backup';
    events({ type: 'phase', phase });
    let told = 0;
    const count = (bytes: number, current: string): void => {
      this.#received += bytes;
      if (this.#received - told < progressStep) return;
      told = this.#received;
      const bytesTotal = Math.max(backup.estimatedSize, this.#received);
      events({ type: 'progress', phase, itemsDone: files(), bytesDone: this.#received, bytesTotal, current });
    };
    return async function* counted({ content, path }) {
      for await (const chunk of content) {
        count(chunk.length, path);
        yield chunk;
      }
    };
  }
}

/** A tablespace is found where the snapshot has it; where it really lay is in base.json. */
function linkTargetOf({ tablespace, path, linkTarget = '' }: BaseEntry): string {
  const [, oid] = /^pg_tblspc\/([0-9]+)$/.exec(path) ?? [];
  return tablespace === undefined && oid !== undefined ? `../../tablespaces/${oid}` : linkTarget;
}

function nothing(): AsyncIterable<Uint8Array> {
  throw new HoldfastError('internal', { reason: 'a folder or a link was opened' });
}
