/** What the tests of restore share: repositories made by restic or forged by hand, and one call that plans and restores. */
import { execFileSync } from 'node:child_process';
import { hash } from 'node:crypto';
import type { HoldfastEvent } from '../../../events.ts';
import { createLocalStorage } from '../../../storage/local/local-storage.ts';
import { createMemoryStorage } from '../../../storage/memory/memory-storage.ts';
import type { Storage } from '../../../storage/storage.ts';
import { encodePack, joinIndex } from '../../index/index-file.ts';
import { keyOf } from '../../layout.ts';
import type { PackedBlob } from '../../pack/pack-header.ts';
import { initRepository, openRepository, type Repository } from '../../repository.ts';
import { decodeSnapshot } from '../../snapshot-json.ts';
import { executeRestore } from '../execute-restore.ts';
import { planRestore } from '../plan-restore.ts';
import type { RestorableSnapshot, RestoreRequest, RestoreSummary } from '../restore-request.ts';

const password = 'a password for tests';

export function restic(repository: string, ...args: readonly string[]): string {
  return execFileSync('restic', ['-q', '-r', repository, '--no-cache', ...args], {
    encoding: 'utf8',
    env: { ...process.env, RESTIC_PASSWORD: password },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** A repository made by restic from one folder, opened by us. The folder's content is the snapshot's root. */
export async function backUpWithRestic(repository: string, folder: string, ...flags: readonly string[]): Promise<Repository> {
  restic(repository, 'init');
  execFileSync('restic', ['-q', '-r', repository, '--no-cache', 'backup', '.', ...flags], {
    cwd: folder,
    env: { ...process.env, RESTIC_PASSWORD: password },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return openWithPassword(createLocalStorage(repository));
}

export function openWithPassword(storage: Storage): Promise<Repository> {
  return openRepository(storage, { password });
}

export async function latestSnapshot(repository: Repository): Promise<RestorableSnapshot> {
  const snapshots = await Promise.all(
    (await repository.listFiles('snapshot')).map(async ({ id }) => ({ id, ...decodeSnapshot(await repository.readFile('snapshot', id)) })),
  );
  const latest = snapshots.toSorted((a, b) => (a.time < b.time ? 1 : -1))[0];
  if (latest === undefined) throw new Error('there is no snapshot');
  return latest;
}

export interface Restored {
  readonly summary: RestoreSummary;
  readonly events: readonly HoldfastEvent[];
  readonly problems: readonly string[];
}

/** Plans and restores the latest snapshot. `told` hears events also of a restore that throws. */
export async function restoreLatest(
  repository: Repository,
  request: RestoreRequest,
  options: { told?: HoldfastEvent[]; signal?: AbortSignal; onEvent?: (event: HoldfastEvent) => void } = {},
): Promise<Restored> {
  const events = options.told ?? [];
  const context = {
    events: (event: HoldfastEvent): void => {
      events.push(event);
      options.onEvent?.(event);
    },
    signal: options.signal ?? new AbortController().signal,
  };
  const plan = await planRestore(repository, await latestSnapshot(repository), request, context);
  const summary = await executeRestore(repository, plan, context);
  return { summary, events, problems: problemsIn(events) };
}

export function problemsIn(events: readonly HoldfastEvent[]): string[] {
  return events.flatMap((event) => (event.type === 'problem' ? [`${event.path}: ${event.reason}`] : []));
}

/** A repository whose trees anybody could have written. */
export class ForgedRepository {
  readonly repository: Repository;
  readonly #blobs: { id: string; type: 'data' | 'tree'; bytes: Buffer }[] = [];

  private constructor(repository: Repository) {
    this.repository = repository;
  }

  static async create(): Promise<ForgedRepository> {
    return new ForgedRepository(await initRepository(createMemoryStorage(), { password }));
  }

  data(content: string | Buffer): string {
    return this.#add('data', Buffer.from(content));
  }

  /** A tree from raw entries; what they leave out is filled in. */
  tree(nodes: readonly Readonly<Record<string, unknown>>[]): string {
    const time = '2025-01-02T03:04:05.678901234Z';
    const filled = nodes.map((node) => ({
      mode: 0o644,
      mtime: time,
      atime: time,
      ctime: time,
      uid: process.getuid?.() ?? 0,
      gid: process.getgid?.() ?? 0,
      content: null,
      ...node,
    }));
    return this.#add('tree', Buffer.from(`${JSON.stringify({ nodes: filled })}\n`));
  }

  /** A file's entry; its content is stored. */
  file(name: string, content: string, more: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
    return { name, type: 'file', size: content.length, content: content === '' ? [] : [this.data(content)], ...more };
  }

  /** Stores all blobs in one pack each kind and makes `root` a snapshot. Blobs named in `withhold` are in no pack and no index. */
  async commit(root: string, withhold: readonly string[] = []): Promise<Repository> {
    const packs: { id: string; blobs: PackedBlob[] }[] = [];
    for (const type of ['data', 'tree'] as const) {
      const parts: Buffer[] = [];
      const blobs: PackedBlob[] = [];
      let offset = 0;
      for (const blob of this.#blobs.filter((each) => each.type === type && !withhold.includes(each.id))) {
        const sealed = this.repository.sealer.seal(blob.bytes);
        blobs.push({ id: blob.id, type, offset, length: sealed.length, uncompressedLength: 0 });
        parts.push(sealed);
        offset += sealed.length;
      }
      const pack = Buffer.concat(parts);
      packs.push({ id: hash('sha256', pack), blobs });
      await this.repository.storage.put(keyOf('pack', hash('sha256', pack)), pack);
    }
    await this.repository.writeFile('index', joinIndex(packs.map(encodePack)));
    await this.repository.writeFile('snapshot', Buffer.from(JSON.stringify({ time: '2025-01-02T03:04:05Z', tree: root, paths: ['/x'] })));
    return this.repository;
  }

  #add(type: 'data' | 'tree', bytes: Buffer): string {
    const id = hash('sha256', bytes);
    if (!this.#blobs.some((blob) => blob.id === id && blob.type === type)) this.#blobs.push({ id, type, bytes });
    return id;
  }
}
