/**
 * A backup: read it first. Order of writes: packs, index, snapshot; a crash at any instant leaves a repository that is sound, and the
 * next run finds what was stored.
 */
import { hostname } from 'node:os';
import type { Capture } from '../sources/source.ts';
import { releaseCrew, takeCrew } from './backup/crew.ts';
import { runBackupThreads, type ThreadsRequest, type ThreadsResult } from './backup/backup-threads.ts';
import { programMark, sawAllOf } from './backup/program-mark.ts';
import { currentUser } from '../util/current-user.ts';
import type { Repository } from './repository.ts';
import type { RunContext } from './run-context.ts';
import type { Snapshot } from './snapshot-json.ts';
import { findSnapshot, findParent } from './snapshots/find-snapshot.ts';
import { loadSnapshots, type LoadedSnapshot } from './snapshots/load-snapshots.ts';
import { saveSnapshot } from './snapshots/save-snapshot.ts';
import { formatTime } from './tree/time.ts';

export interface BackupRequest {
  readonly capture: Capture;
  /** What the snapshot says it holds: absolute paths. */
  readonly paths: readonly string[];
  /** This machine's name by default. */
  readonly host?: string;
  /** The repository's clock by default. */
  readonly time?: Date;
  readonly tags?: readonly string[];
  readonly excludes?: readonly string[];
  /** A snapshot to compare with; the newest of this host and these paths by default. */
  readonly parent?: string;
  /** Compare with nothing: read everything. */
  readonly force?: boolean;
  /** Find out what would be stored, and store nothing. */
  readonly dryRun?: boolean;
  /** Write no snapshot when its tree is its parent's. */
  readonly skipIfUnchanged?: boolean;
  /** Keep the times of last access, which makes every tree new. */
  readonly withAtime?: boolean;
  /** `auto` by default, which is denser for streams than for files, but for those that ask to be fast. `max` is slow. */
  readonly compression?: 'auto' | 'off' | 'max';
}

export interface BackupSummary {
  /** Absent after a dry run, and where the backup was skipped because nothing had changed. */
  readonly snapshotId?: string;
  readonly parentId?: string;
  readonly filesNew: number;
  readonly filesChanged: number;
  readonly filesUnmodified: number;
  readonly dirsNew: number;
  readonly dirsChanged: number;
  readonly dirsUnmodified: number;
  /** Blobs that the repository did not have. */
  readonly dataBlobs: number;
  readonly treeBlobs: number;
  /** Their bytes, plain and as stored. */
  readonly dataAdded: number;
  readonly dataAddedPacked: number;
  readonly totalFilesProcessed: number;
  readonly totalBytesProcessed: number;
  /** What could not be read, or changed while it was. Each was an event. */
  readonly problems: number;
}

/**
 * Stores a capture as a snapshot. The caller holds a lock.
 *
 * Throws `interrupted`, the storage's errors, what a stream's source throws (then there is no snapshot), `machine-unreliable`.
 * What cannot be read of a tree is an event and counted in `problems`.
 */
export async function backup(repository: Repository, request: BackupRequest, context: RunContext): Promise<BackupSummary> {
  const started = repository.clock.now();
  const time = request.time ?? started;
  const host = request.host ?? hostname();
  const crew = takeCrew();
  let isDone = false;
  try {
    context.events({ type: 'phase', phase: 'reading the repository' });
    const parent = await chooseParent(repository, request, host);
    const index = await repository.loadIndex();
    context.events({ type: 'phase', phase: 'backing up' });
    const stored = await runBackupThreads(repository, index, crew, describeWork(request, time, parent), context);
    isDone = true;
    if (request.dryRun) repository.dropIndex();
    const isSkipped = request.dryRun === true || (request.skipIfUnchanged === true && parent?.snapshot.tree === stored.tree);
    const summary = summarize(stored, parent);
    if (isSkipped) return summary;
    const began = { time, host, started };
    const snapshotId = await saveSnapshot(repository, describeSnapshot(request, began, repository.clock.now(), stored, summary));
    return { snapshotId, ...summary };
  } catch (error) {
    repository.dropIndex(); // it may name blobs that were never stored
    throw error;
  } finally {
    if (isDone) releaseCrew(crew);
    else await crew.end();
  }
}

function describeWork(request: BackupRequest, time: Date, parent: LoadedSnapshot | undefined): ThreadsRequest {
  const { capture, compression = 'auto', withAtime = false, dryRun = false } = request;
  return {
    capture,
    time,
    parentTree: parent?.snapshot.tree,
    reuseEntries: parent !== undefined && sawAllOf(parent.snapshot, currentUser().uid),
    compression: compression === 'auto' && capture.shape === 'streams' && capture.compression !== 'fast' ? 'dense' : compression,
    withAtime,
    dryRun,
  };
}

async function chooseParent(repository: Repository, request: BackupRequest, host: string): Promise<LoadedSnapshot | undefined> {
  // A stream has no metadata to compare: it is always read.
  if (request.force || request.capture.shape === 'streams') return undefined;
  if (request.parent !== undefined) return findSnapshot(repository, request.parent);
  return findParent(await loadSnapshots(repository), { host, paths: request.paths });
}

function describeSnapshot(
  request: BackupRequest,
  { time, host, started }: { readonly time: Date; readonly host: string; readonly started: Date },
  ended: Date,
  stored: ThreadsResult,
  summary: BackupSummary,
): Snapshot {
  const { uid, gid, username } = currentUser();
  return {
    time: formatDate(time),
    ...(summary.parentId === undefined ? {} : { parent: summary.parentId }),
    tree: stored.tree,
    paths: request.paths,
    hostname: host,
    username,
    uid,
    gid,
    ...(request.excludes?.length ? { excludes: request.excludes } : {}),
    ...(request.tags?.length ? { tags: request.tags } : {}),
    program_version: programMark(stored.sawAttributes),
    summary: {
      backup_start: formatDate(started),
      backup_end: formatDate(ended),
      files_new: summary.filesNew,
      files_changed: summary.filesChanged,
      files_unmodified: summary.filesUnmodified,
      dirs_new: summary.dirsNew,
      dirs_changed: summary.dirsChanged,
      dirs_unmodified: summary.dirsUnmodified,
      data_blobs: summary.dataBlobs,
      tree_blobs: summary.treeBlobs,
      data_added: summary.dataAdded,
      data_added_packed: summary.dataAddedPacked,
      total_files_processed: summary.totalFilesProcessed,
      total_bytes_processed: summary.totalBytesProcessed,
    },
  };
}

function formatDate(date: Date): string {
  return formatTime(BigInt(date.getTime()) * 1_000_000n);
}

function summarize(stored: ThreadsResult, parent: LoadedSnapshot | undefined): BackupSummary {
  const { statistics, data, trees } = stored;
  return {
    ...(parent ? { parentId: parent.id } : {}),
    filesNew: statistics.filesNew,
    filesChanged: statistics.filesChanged,
    filesUnmodified: statistics.filesUnmodified,
    dirsNew: statistics.dirsNew,
    dirsChanged: statistics.dirsChanged,
    dirsUnmodified: statistics.dirsUnmodified,
    dataBlobs: data.blobs,
    treeBlobs: trees.blobs,
    dataAdded: data.plain + trees.plain,
    dataAddedPacked: data.stored + trees.stored,
    totalFilesProcessed: statistics.filesNew + statistics.filesChanged + statistics.filesUnmodified,
    totalBytesProcessed: statistics.bytes,
    problems: stored.problems,
  };
}
