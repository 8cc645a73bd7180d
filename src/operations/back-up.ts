/** Makes a recovery point: every component captured and stored, one snapshot each. */
import { backup, type BackupRequest, type BackupSummary } from '../engine/backup.ts';
import type { Repository } from '../engine/repository.ts';
import type { RunContext } from '../engine/run-context.ts';
import { HoldfastError, reasonAndHint, toHoldfastError } from '../errors.ts';
import { ignoreEvents } from '../events.ts';
import type { Capture, EarlierCapture, Source } from '../sources/source.ts';
import { earlierCaptures } from './earlier-captures.ts';
import { type LockChoice, withLock } from './open-session.ts';
import { lastingName, nameSnapshots } from './point-needs.ts';
import { checkComponentName, checkOwnTags, pointDigits, writeTags } from './point-tags.ts';
import { loadPoints } from './points.ts';

export interface BackupComponent {
  readonly source: Source;
  /** What its snapshot says it holds; the roots of a capture of files by default. */
  readonly paths?: readonly string[];
  /** Beside the tags of the whole point. */
  readonly tags?: readonly string[];
  /** Ids of snapshots that what it saves cannot be restored without, beside those that its capture names. */
  readonly needs?: readonly string[];
  /** Done around its capture, such as hooks: calls `work` once, throws, or says that nothing has changed where that may be skipped. */
  readonly around?: (work: () => Promise<BackupSummary>, skipIfUnchanged: boolean) => Promise<BackupSummary>;
}

export interface BackupOrder {
  readonly components: readonly BackupComponent[];
  /** One more component, made last of what became of the others: the point's manifest. Not asked where nothing was saved. */
  readonly closing?: (saved: readonly SavedComponent[], failed: readonly FailedComponent[], time: Date) => Promise<BackupComponent>;
  /** Whose components they are, where a configuration says so. */
  readonly application?: string;
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
  readonly began: Date;
  readonly ended: Date;
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
  for (const component of components) {
    checkComponentName(component.source.component);
    checkOwnTags(component.tags ?? []);
  }
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
  const run: Run = { repository, order: { ...order, time }, context, saved: new Map(), failed: [] };
  const components = order.components.toSorted((a, b) => captureRank(a.source.kind) - captureRank(b.source.kind));
  for (const component of components) await tryComponent(run, component, order.skipIfUnchanged === true);
  // A point of several components is whole, or it is not made.
  const isNew = [...run.saved.values()].some(({ summary }) => summary.snapshotId !== undefined);
  const skipped = components.filter((component) => isNew && run.saved.get(component)?.summary.snapshotId === undefined);
  if (order.dryRun !== true)
    for (const component of skipped.filter((each) => run.saved.has(each))) await tryComponent(run, component, false);
  const saved = [...run.saved.values()];
  const [firstFailure] = run.failed;
  if (saved.length === 0 && firstFailure !== undefined) throw firstFailure.error;
  if (isNew && order.dryRun !== true && order.closing !== undefined)
    await saveComponent(run, await order.closing(saved, run.failed, time), false);
  const problems = saved.reduce((sum, { summary }) => sum + summary.problems, 0);
  return { ...(run.pointId === undefined ? {} : { pointId: run.pointId }), time, saved, failed: run.failed, problems };
}

/** A point under way. */
interface Run {
  readonly repository: Repository;
  readonly order: BackupOrder & { readonly time: Date };
  readonly context: RunContext;
  readonly saved: Map<BackupComponent, SavedComponent>;
  readonly failed: FailedComponent[];
  pointId?: string;
}

async function tryComponent(run: Run, component: BackupComponent, skipIfUnchanged: boolean): Promise<void> {
  const { source, around } = component;
  const { component: name, kind } = source;
  const { clock } = run.repository;
  const began = clock.now();
  run.saved.delete(component);
  try {
    const save = (): Promise<BackupSummary> => saveComponent(run, component, skipIfUnchanged);
    const summary = await (around === undefined ? save() : around(save, skipIfUnchanged));
    run.saved.set(component, { component: name, kind, summary, began, ended: clock.now() });
  } catch (error) {
    if (run.context.signal.aborted) throw error;
    run.failed.push({ component: name, kind, error: toHoldfastError(error) });
    if (run.order.components.length > 1) run.context.events({ type: 'problem', path: name, reason: reasonAndHint(error) });
  }
}

async function saveComponent(
  run: Run,
  { source, paths, tags = [], needs = [] }: BackupComponent,
  skipIfUnchanged: boolean,
): Promise<BackupSummary> {
  const { repository, order, context } = run;
  const earlier = (): AsyncIterable<EarlierCapture> =>
    earlierCaptures(repository, { source, application: order.application }, context.signal);
  const capture = await source.capture({ ...context, ...(order.force === true ? {} : { earlier }) });
  const { host, time, force, dryRun, withAtime, compression } = order;
  const request: BackupRequest = {
    capture,
    time,
    paths: paths ?? (capture.shape === 'tree' ? capture.roots : [`/${source.kind}`]),
    excludes: excludesOf(capture),
    tags: writeTags({
      component: source.component,
      kind: source.kind,
      parts: order.components.length + (order.closing === undefined ? 0 : 1),
      ...(order.application === undefined ? {} : { application: order.application }),
      needs: await nameNeeded(repository, [...needs, ...((capture.shape === 'streams' && capture.needs) || [])]),
      own: [...new Set([...(order.tags ?? []), ...tags])],
      ...(run.pointId === undefined ? {} : { point: run.pointId }),
    }),
    skipIfUnchanged,
    ...(host === undefined ? {} : { host }),
    ...(force === undefined ? {} : { force }),
    ...(dryRun === undefined ? {} : { dryRun }),
    ...(withAtime === undefined ? {} : { withAtime }),
    ...(compression === undefined ? {} : { compression }),
    ...(order.parent === undefined || capture.shape === 'streams' ? {} : { parent: order.parent }),
  };
  const summary = await backup(repository, request, context);
  if (summary.snapshotId !== undefined) run.pointId ??= summary.snapshotId;
  return summary;
}

/** What the snapshots that are needed are called, wherever they are copied. Throws `snapshot-missing` where one of them is gone. */
async function nameNeeded(repository: Repository, ids: readonly string[]): Promise<string[]> {
  if (ids.length === 0) return [];
  const named = nameSnapshots((await loadPoints(repository)).flatMap(({ components }) => components));
  return ids.map((id) => {
    const needed = named.get(id.slice(0, pointDigits));
    if (needed === undefined)
      throw new HoldfastError('snapshot-missing', { name: id.slice(0, 8), reason: 'what is to be saved builds on it, and it is gone' });
    return lastingName(needed);
  });
}

function excludesOf(capture: Capture): readonly string[] {
  return capture.shape === 'tree' ? [...(capture.select.exclude ?? []), ...(capture.select.excludeInsensitive ?? [])] : [];
}

const ranks: Readonly<Record<string, number>> = { postgres: 0, redis: 1, volumes: 2, files: 2 };

/** No row may point at an upload that is missing: databases come first, then what is stored beside them, then what describes it all. */
export function captureRank(kind: string): number {
  return ranks[kind] ?? 3;
}
