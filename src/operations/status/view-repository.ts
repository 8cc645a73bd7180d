/** Reads what a repository tells about an application: its captures, drills, recoveries, and how far its log goes. Changes nothing. */
import { statfs } from 'node:fs/promises';
import { z } from 'zod';
import { mapConcurrently } from '../../engine/concurrency.ts';
import { openSealedObjects } from '../../engine/objects/sealed-objects.ts';
import type { Repository } from '../../engine/repository.ts';
import { reasonOf } from '../../errors.ts';
import type { CapturedTree } from '../../sources/source.ts';
import { parseLsn } from '../../util/lsn.ts';
import { openWalArchive } from '../../wal/open-wal-archive.ts';
import type { ApplicationContext } from '../application/application-tools.ts';
import { openCapturedTree } from '../captured-tree.ts';
import { readDrillReports } from '../drill/report-chain.ts';
import { findProven } from '../drill/proven-snapshots.ts';
import { applicationOf, isOwnPoint, loadPoints, type Point } from '../points.ts';
import { readAccepted } from './accepted-records.ts';
import { findCaptures, readManifests, type Manifests } from './find-captures.ts';
import { newestMomentAfter } from './restorable-moment.ts';
import type { ComponentFacts, RecoveryFacts, RepositoryFacts } from './status-facts.ts';

const mostRecoveries = 10;
const largestReport = 16 * 1024 * 1024;
const readAtOnce = 8;

export interface ViewOrder {
  /** Its name in the configuration. */
  readonly name: string;
  readonly application: string;
}

/** Throws the storage's errors and `damaged` for what the list of points needs; what is wrong with less is left out and told as a notice. */
export async function viewRepository(repository: Repository, order: ViewOrder, context: ApplicationContext): Promise<RepositoryFacts> {
  const all = (await loadPoints(repository)).filter((point) => applicationOf(point) === order.application);
  const points = all.filter(isOwnPoint);
  const { reports, problems } = await readDrillReports(repository);
  const proven = findProven(reports);
  const manifests = await readManifests(repository, points, context.events);
  const captures = findCaptures(points, proven, manifests);
  return {
    name: order.name,
    location: repository.location,
    components: await Promise.all(
      [...captures].map(async ([name, members]) => withMoment(repository, { name, captures: members }, manifests, context)),
    ),
    accepted: await readAccepted(repository, order.application, context.events),
    recoveries: await readRecoveries(repository, all, context),
    drills: reports.flatMap(({ report }) => (report.application === order.application ? [report] : [])),
    drillProblems: problems,
    growth: growthOf(all),
    ...(await readSpace(repository)),
  };
}

/** The newest moment is that of the newest capture, unless the log goes on behind a base backup. */
async function withMoment(
  repository: Repository,
  component: Pick<ComponentFacts, 'name' | 'captures'>,
  manifests: Manifests,
  { events }: ApplicationContext,
): Promise<ComponentFacts> {
  const newest = component.captures.at(-1);
  if (newest === undefined) return component;
  const facts = [...manifests]
    .find(([id]) => id.startsWith(newest.point))?.[1]
    .find(({ name, snapshot }) => name === component.name && snapshot !== undefined)?.facts;
  const [systemId, lsn] = [facts?.['systemId'], facts?.['lsn']];
  if (typeof systemId !== 'string' || typeof lsn !== 'string') return { ...component, restorable: newest.at };
  try {
    const coverage = await openWalArchive(openSealedObjects(repository), systemId).coverage();
    const reached = newestMomentAfter(parseLsn(lsn), coverage);
    return { ...component, restorable: reached !== undefined && reached > newest.at ? reached : newest.at };
  } catch (error) {
    events({ type: 'notice', message: `How far the write-ahead log of ${component.name} goes is not known: ${reasonOf(error)}` });
    return { ...component, restorable: newest.at };
  }
}

const recoverySchema = z.object({ ended: z.iso.datetime(), seconds: z.number().nonnegative(), status: z.string() });

/** Whole recoveries that passed, of the newest reports. */
async function readRecoveries(repository: Repository, points: readonly Point[], { signal }: ApplicationContext): Promise<RecoveryFacts[]> {
  const reports = points
    .flatMap(({ components }) => components.filter(({ tags }) => tags.kind === 'report'))
    .toSorted((a, b) => Date.parse(b.snapshot.time) - Date.parse(a.snapshot.time));
  const found: RecoveryFacts[] = [];
  await mapConcurrently(reports.slice(0, mostRecoveries), readAtOnce, async (component) => {
    try {
      found.push(...(await readRecovery(openCapturedTree(repository, component, signal))));
    } catch (error) {
      if (signal.aborted) throw error;
      // A report that is none, or gone, is no measurement.
    }
  });
  return found;
}

async function readRecovery(tree: CapturedTree): Promise<RecoveryFacts[]> {
  const found: RecoveryFacts[] = [];
  for await (const { path, size } of tree.list('/report')) {
    if (size > largestReport || !path.endsWith('.json')) continue;
    const chunks: Uint8Array[] = [];
    for await (const chunk of tree.read(path)) chunks.push(chunk);
    const { ended, seconds, status } = recoverySchema.parse(JSON.parse(Buffer.concat(chunks).toString('utf8')));
    if (status === 'recovered') found.push({ at: new Date(ended), seconds });
  }
  return found;
}

export function growthOf(points: readonly Point[]): RepositoryFacts['growth'] {
  return points.flatMap(({ time, components }) => {
    const added = components.reduce((sum, { snapshot }) => sum + (snapshot.summary?.data_added_packed ?? 0), 0);
    return added === 0 ? [] : [{ at: new Date(time), added }];
  });
}

export async function readSpace({ storage }: Repository): Promise<Pick<RepositoryFacts, 'space'>> {
  if (storage.local === undefined) return {};
  const { bavail, blocks, bsize } = await statfs(storage.local.path('config'));
  return { space: { free: bavail * bsize, capacity: blocks * bsize } };
}
