/** Makes a recovery point: every component captured and stored, one snapshot each. */
import { backup, type BackupRequest, type BackupSummary } from '../engine/backup.ts';
import type { Repository } from '../engine/repository.ts';
import type { RunContext } from '../engine/run-context.ts';
import { type HoldfastError, reasonOf, toHoldfastError } from '../errors.ts';
import { ignoreEvents } from '../events.ts';
import type { Capture, Source } from '../sources/source.ts';
import { type LockChoice, withLock } from './open-session.ts';
import { checkComponentName, checkOwnTags, writeTags } from './point-tags.ts';

export interface BackupComponent {
  readonly source: Source;
  /** What its snapshot says it holds; the roots of a capture of files by default. */
  readonly paths?: readonly string[];
}

export interface BackupOrder {
  readonly components: readonly BackupComponent[];
  /** This machine's name by default. */
  readonly host?: string;
  /** Now by default. */
  readonly time?: Date;
  readonly tags?: readonly string[];
  /** A snapshot to compare the files with; the newest of the same host and paths by default. */
  readonly parent?: string;
  /** Compare with nothing: read everything. */
  readonly force?: boolean;
  readonly dryRun?: boolean;
  readonly skipIfUnchanged?: boolean;
  readonly withAtime?: boolean;
  readonly compression?: 'auto' | 'off' | 'max';
  readonly lock?: LockChoice;
}

export interface SavedComponent {
  readonly component: string;
  readonly kind: string;
  readonly summary: BackupSummary;
}

export interface FailedComponent {
  readonly component: string;
  readonly kind: string;
  readonly error: HoldfastError;
}

export interface BackupReport {
  /** The point's id; absent after a dry run, and where nothing had changed. */
  readonly pointId?: string;
  readonly time: Date;
  readonly saved: readonly SavedComponent[];
  readonly failed: readonly FailedComponent[];
  /** Things that could not be read; each was an event. */
  readonly problems: number;
}

/**
 * Saves the sources, databases first, under one lock. A component that fails does not stop the others: it is an event and part of
 * the report. Throws when all fail (the first one's error), `interrupted`, `lock-lost`, `locked`, `usage`.
 */
export async function backUp(repository: Repository, order: BackupOrder, context: RunContext): Promise<BackupReport> {
  checkOrder(order);
  return withLock({ repository, mode: 'shared', lock: order.lock ?? {}, context, work: (locked) => saveAll(repository, order, locked) });
}

/** Throws `usage` for names and tags that cannot be written down. */
export function checkOrder({ tags = [], components }: BackupOrder): void {
  checkOwnTags(tags);
  for (const { source } of components) checkComponentName(source.component);
}

/**
 * Throws the first source's error where none of them can be captured at all, as when everything named is missing: before a repository is made
 * for it. A capture reads nothing until it is pulled.
 */
export async function checkSources({ components }: Pick<BackupOrder, 'components'>, signal: AbortSignal): Promise<void> {
  const ends = await Promise.allSettled(components.map(({ source }) => source.capture({ events: ignoreEvents, signal })));
  const [first] = ends;
  if (first?.status === 'rejected' && ends.every(({ status }) => status === 'rejected')) throw first.reason;
}

async function saveAll(repository: Repository, order: BackupOrder, context: RunContext): Promise<BackupReport> {
  // One time for the whole point: retention by days must not tear it apart at midnight.
  const time = order.time ?? repository.clock.now();
  const saved: SavedComponent[] = [];
  const failed: FailedComponent[] = [];
  let pointId: string | undefined;
  for (const component of order.components.toSorted(databasesFirst)) {
    const { source } = component;
    try {
      const summary = await saveComponent(repository, component, { ...order, time }, pointId, context);
      saved.push({ component: source.component, kind: source.kind, summary });
      pointId ??= summary.snapshotId;
    } catch (error) {
      if (context.signal.aborted) throw error;
      failed.push({ component: source.component, kind: source.kind, error: toHoldfastError(error) });
      if (order.components.length > 1) context.events({ type: 'problem', path: source.component, reason: reasonOf(error) });
    }
  }
  const [firstFailure] = failed;
  if (saved.length === 0 && firstFailure !== undefined) throw firstFailure.error;
  const problems = saved.reduce((sum, { summary }) => sum + summary.problems, 0);
  return { ...(pointId === undefined ? {} : { pointId }), time, saved, failed, problems };
}

async function saveComponent(
  repository: Repository,
  { source, paths }: BackupComponent,
  order: BackupOrder & { readonly time: Date },
  pointId: string | undefined,
  context: RunContext,
): Promise<BackupSummary> {
  const capture = await source.capture(context);
  const { host, time, force, dryRun, skipIfUnchanged, withAtime, compression } = order;
  const request: BackupRequest = {
    capture,
    time,
    paths: paths ?? (capture.shape === 'tree' ? capture.roots : [`/${source.kind}`]),
    excludes: excludesOf(capture),
    tags: writeTags({
      component: source.component,
      kind: source.kind,
      parts: order.components.length,
      own: order.tags ?? [],
      ...(pointId === undefined ? {} : { point: pointId }),
    }),
    ...(host === undefined ? {} : { host }),
    ...(force === undefined ? {} : { force }),
    ...(dryRun === undefined ? {} : { dryRun }),
    ...(skipIfUnchanged === undefined ? {} : { skipIfUnchanged }),
    ...(withAtime === undefined ? {} : { withAtime }),
    ...(compression === undefined ? {} : { compression }),
    ...(order.parent === undefined || capture.shape === 'streams' ? {} : { parent: order.parent }),
  };
  return backup(repository, request, context);
}

function excludesOf(capture: Capture): readonly string[] {
  return capture.shape === 'tree' ? [...(capture.select.exclude ?? []), ...(capture.select.excludeInsensitive ?? [])] : [];
}

function databasesFirst(a: BackupComponent, b: BackupComponent): number {
  return Number(a.source.kind === 'files') - Number(b.source.kind === 'files');
}
