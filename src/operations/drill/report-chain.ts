/**
 * Reports of drills in the repository: sealed objects below `holdfast/drills/`, written once. Each names those that nobody had named before it with
 * their SHA-256, so that one which is missing or was replaced shows; two that were written at the same time are both named by the next.
 */
import { createHash } from 'node:crypto';
import { openSealedObjects, type SealedObjects } from '../../engine/objects/sealed-objects.ts';
import type { Repository } from '../../engine/repository.ts';
import { HoldfastError, reasonOf } from '../../errors.ts';
import { decodeDrillReport, encodeDrillReport, type DrillReport } from './drill-report.ts';

const folder = 'drills/';
const readAtOnce = 8;
/** What reads them all must end: far more than a drill every day for years. */
const mostReports = 20_000;
const largestReport = 256 * 1024 * 1024;

export interface StoredReport {
  /** Of its object: `drills/20261121T050000Z-3f0a…`. */
  readonly name: string;
  readonly sha256: string;
  readonly report: DrillReport;
}

export interface ReportHistory {
  /** Newest first. */
  readonly reports: readonly StoredReport[];
  /** What is missing, was replaced, or cannot be read; empty where the chain is whole. */
  readonly problems: readonly string[];
}

/** All reports, and whether any is missing between them. The newest ones being gone is not to be seen here. Throws the storage's errors. */
export async function readDrillReports(repository: Repository): Promise<ReportHistory> {
  const objects = openSealedObjects(repository);
  const names: string[] = [];
  for await (const { name, size } of objects.list(folder)) {
    if (names.length >= mostReports) throw tooMany(repository);
    if (size <= largestReport) names.push(name);
  }
  const problems: string[] = [];
  const found: StoredReport[] = [];
  const queue = names.toSorted().toReversed();
  const readSome = async (): Promise<void> => {
    for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
      try {
        found.push(await readReport(objects, name));
      } catch (error) {
        if (!(error instanceof HoldfastError) || error.code !== 'damaged') throw error;
        problems.push(reasonOf(error));
      }
    }
  };
  await Promise.all(Array.from({ length: readAtOnce }, readSome));
  const reports = found.toSorted((a, b) => (a.name < b.name ? 1 : -1));
  return { reports, problems: [...problems, ...findBreaks(reports)] };
}

async function readReport(objects: SealedObjects, name: string): Promise<StoredReport> {
  const { body } = await objects.get(name);
  return { name, sha256: hashOf(body), report: decodeDrillReport(name, body) };
}

function findBreaks(reports: readonly StoredReport[]): string[] {
  const hashes = new Map(reports.map(({ name, sha256 }) => [name, sha256]));
  return reports.flatMap(({ name, report }) =>
    report.previous.flatMap((previous) => {
      const hash = hashes.get(previous.name);
      if (hash === undefined) return [`the report ${previous.name} is missing: ${name} names it`];
      return hash === previous.sha256 ? [] : [`the report ${previous.name} is not the one that ${name} names`];
    }),
  );
}

/** Puts a report at the end of the chain; durable when it resolves. Throws the storage's errors. */
export async function keepDrillReport(repository: Repository, report: Omit<DrillReport, 'previous'>): Promise<StoredReport> {
  const { reports } = await readDrillReports(repository);
  const named = new Set(reports.flatMap((stored) => stored.report.previous.map(({ name }) => name)));
  const previous = reports.filter(({ name }) => !named.has(name)).map(({ name, sha256 }) => ({ name, sha256 }));
  const whole: DrillReport = { ...report, previous: previous.slice(0, 1000) };
  const body = encodeDrillReport(whole);
  const time = report.began.replaceAll(/[-:]|\.\d+/g, '');
  const name = `${folder}${time}-${report.id}`;
  await openSealedObjects(repository).put(name, { kind: 'drill report' }, body, { ifAbsent: true });
  return { name, sha256: hashOf(body), report: whole };
}

/** The report whose id begins so; the newest where none is named. Throws `object-missing`. */
export function findReport({ reports }: ReportHistory, id: string | undefined, location: string): StoredReport {
  const [first, ...others] = id === undefined ? reports.slice(0, 1) : reports.filter(({ report }) => report.id.startsWith(id));
  if (first !== undefined && others.length === 0 && (id === undefined || id.length >= 4)) return first;
  const reason = first === undefined ? 'there is none' : 'more than one begins so';
  throw new HoldfastError('object-missing', {
    object: id === undefined ? 'the report of a drill' : `the report ${id} of a drill`,
    location,
    reason,
  });
}

function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function tooMany({ location }: Repository): HoldfastError {
  return new HoldfastError('damaged', { object: location, reason: `it has more than ${mostReports} reports of drills` });
}
