/**
 * holdfast as a library. A repository is opened once and given to each function; long-running functions take where to tell their
 * progress (`events`) and what stops them (`signal`), both optional. Everything thrown is a HoldfastError with a code from the catalogue.
 *
 * @example examples/library/back-up-a-folder.ts
 */
import type { CheckOptions, CheckReport } from './engine/check/check-report.ts';
import type { CopyReport } from './engine/copy/copy-snapshots.ts';
import type { Repository } from './engine/repository.ts';
import type { RunContext } from './engine/run-context.ts';
import { ignoreEvents } from './events.ts';
import { backUp as saveComponents, type BackupComponent, type BackupOrder, type BackupReport } from './operations/back-up.ts';
import {
  findEntries as findInPoints,
  listEntries as listInPoint,
  readFileOf,
  type FindRequest,
  type ListRequest,
  type ReadRequest,
} from './operations/browse.ts';
import { readProven } from './operations/drill/proven-snapshots.ts';
import { check as checkAll, copyPoints as copyAll, type CopyRequest } from './operations/maintain.ts';
import { createSession, openSession, type CreateRequest, type LockChoice } from './operations/open-session.ts';
import { describePoint, loadPoints, type PointRecord } from './operations/points.ts';
import { prune as pruneAll, type PruneReport, type PruneRequest } from './operations/prune.ts';
import {
  restoreDatabase as putDatabaseBack,
  type RestoreDatabaseReport,
  type RestoreDatabaseRequest,
} from './operations/restore-database.ts';
import { restoreFiles as putFilesBack, type RestoreFilesReport, type RestoreFilesRequest } from './operations/restore-files.ts';

export { HoldfastError, catalogue, exitStatus, isError, type ErrorCode, type ErrorDetails, type ExitStatus } from './errors.ts';
export type { EventSink, HoldfastEvent } from './events.ts';
export { chooseComponents, type AdHocComponents } from './operations/choose-components.ts';
export type {
  BackupComponent,
  BackupOrder,
  BackupReport,
  CheckOptions,
  CheckReport,
  CopyReport,
  CopyRequest,
  FindRequest,
  ListRequest,
  LockChoice,
  PointRecord,
  PruneReport,
  PruneRequest,
  ReadRequest,
  Repository,
  RestoreDatabaseReport,
  RestoreDatabaseRequest,
  RestoreFilesReport,
  RestoreFilesRequest,
};
export type { FailedComponent, SavedComponent } from './operations/back-up.ts';
export type { PointRequest } from './operations/point-request.ts';
export type { BackupSummary } from './engine/backup.ts';
export type { RestoreSummary } from './engine/restore/restore-request.ts';

/** Where a repository is and what opens it. */
export interface RepositoryRequest {
  /** A path such as `/backups/app`, `file:///…`. */
  readonly url: string;
  /** Or a function that is asked once it is known that there is a repository. */
  readonly password: string | (() => Promise<string>);
}

/** Where work tells what it does, and what stops it. */
export type RunOptions = Partial<RunContext>;

type WithoutLock<Request extends { readonly lock?: LockChoice }> = Omit<Request, 'lock'> & { readonly lock?: LockChoice };

/** Opens a repository; `close()` it when done. Throws `repository-missing`, `password-wrong`, `damaged`, `storage-url`. */
export function openRepository({ url, password }: RepositoryRequest): Promise<Repository> {
  return openSession({ url, password: askable(password) });
}

/** Creates an empty repository and opens it. Throws `repository-exists`. */
export function createRepository({
  url,
  password,
  ...extras
}: RepositoryRequest & Omit<CreateRequest, 'url' | 'password'>): Promise<Repository> {
  return createSession({ url, password: askable(password), ...extras });
}

/**
 * Makes a recovery point. Components that fail are in the report; when all fail, the first one's error is thrown, as are `locked`,
 * `interrupted` and `usage`. What could not be read is an event of type `problem`, and counted.
 */
export function backUp(repository: Repository, order: BackupOrder, run?: RunOptions): Promise<BackupReport> {
  return saveComponents(repository, order, contextOf(run));
}

/** Every recovery point, oldest first; sizes in bytes. */
export async function listPoints(repository: Repository): Promise<PointRecord[]> {
  const proven = await readProven(repository, ignoreEvents);
  return (await loadPoints(repository)).map((point) => describePoint(point, proven));
}

/** Visits the entries of a point. Throws `snapshot-missing`, `path-missing`. */
export function listEntries(repository: Repository, request: WithoutLock<ListRequest>, run?: RunOptions): Promise<void> {
  return listInPoint(repository, { lock: {}, ...request }, contextOf(run));
}

/** Visits the entries of many points that fit a query. */
export function findEntries(repository: Repository, request: WithoutLock<FindRequest>, run?: RunOptions): Promise<void> {
  return findInPoints(repository, { lock: {}, ...request }, contextOf(run));
}

/** The verified bytes of one file. Throws `path-missing`, `path-not-file`, `damaged`. */
export function readFile(repository: Repository, request: WithoutLock<ReadRequest>, run?: RunOptions): Promise<void> {
  return readFileOf(repository, { lock: {}, ...request }, contextOf(run));
}

/** Puts files back below a folder. More than no `problems` in the summaries means that something is not as it was. */
export function restoreFiles(
  repository: Repository,
  request: WithoutLock<RestoreFilesRequest>,
  run?: RunOptions,
): Promise<RestoreFilesReport> {
  return putFilesBack(repository, { lock: {}, ...request }, contextOf(run));
}

/** Puts a database back and compares it with what was saved. Throws the catalogue's PostgreSQL errors. */
export function restoreDatabase(
  repository: Repository,
  request: WithoutLock<RestoreDatabaseRequest>,
  run?: RunOptions,
): Promise<RestoreDatabaseReport> {
  return putDatabaseBack(repository, { lock: {}, ...request }, contextOf(run));
}

/** Looks whether everything is there and sound. What is wrong is in the report, not thrown. */
export function check(repository: Repository, options: CheckOptions = {}, run?: RunOptions): Promise<CheckReport> {
  return checkAll(repository, options, {}, contextOf(run));
}

/** Forgets points and frees space, after `confirm` has seen the plan. Throws `locked`, `usage`, `point-needed`, `prune-refused`. */
export function prune(repository: Repository, request: WithoutLock<PruneRequest>, run?: RunOptions): Promise<PruneReport> {
  return pruneAll(repository, { lock: {}, ...request }, contextOf(run));
}

/** Copies points from one open repository to another. */
export function copyPoints(request: WithoutLock<CopyRequest>, run?: RunOptions): Promise<CopyReport> {
  return copyAll({ lock: {}, ...request }, contextOf(run));
}

function askable(password: RepositoryRequest['password']): () => Promise<string> {
  return typeof password === 'string' ? () => Promise.resolve(password) : password;
}

function contextOf({ events = ignoreEvents, signal = new AbortController().signal }: RunOptions = {}): RunContext {
  return { events, signal };
}
