/** What each backup becomes: a component of a point with its own date. */
import type { ComponentConfiguration, Configuration } from '../../config/configuration.ts';
import { throwIfAborted } from '../../engine/run-context.ts';
import type { HoldfastError } from '../../errors.ts';
import { isImported, type ImportTag, importTag } from './import-tag.ts';
import { asImportFailure } from './import-failure.ts';
import { examine, type ExamineContext, type Examined } from './examine.ts';
import { findCandidates, type Candidate } from './find-candidates.ts';
import { timeInName } from './time-in-name.ts';
import type { Point } from '../points.ts';

export interface ImportRequest {
  readonly paths: readonly string[];
  /** What all of them are of; else chosen by name and kind. */
  readonly component?: string;
  readonly database?: string;
  /** Of all of them. */
  readonly time?: Date;
  readonly configuration: Configuration | undefined;
}

export interface PlannedImport {
  readonly path: string;
  readonly component: string;
  readonly kind: Examined['kind'];
  readonly what: string;
  readonly bytes: number;
  readonly time: Date;
  /** Where the time comes from. */
  readonly timeFrom: 'given' | 'name' | 'content' | 'file';
  readonly tag: ImportTag;
  /** The repository has it already. */
  readonly present: boolean;
  readonly open: () => ReturnType<Examined['entries']>;
}

export interface ImportPlan {
  /** Oldest first. */
  readonly imports: readonly PlannedImport[];
  readonly refused: readonly { readonly path: string; readonly error: HoldfastError }[];
  /** Files in folders whose names say that they are no backups. */
  readonly passedOver: readonly string[];
}

/** Reads all of them to their ends; what is damaged is refused by name, and the rest goes on. */
export async function planImports(
  request: ImportRequest,
  points: readonly Point[],
  context: ExamineContext & { readonly onExamine: (path: string) => void },
): Promise<ImportPlan> {
  const { candidates, refused: unreadable, passedOver } = await findCandidates(request.paths);
  const imports: PlannedImport[] = [];
  const refused = [...unreadable];
  for (const candidate of candidates) {
    throwIfAborted(context.signal);
    context.onExamine(candidate.path);
    try {
      imports.push(planOne(candidate, await examine(candidate, context), request, points));
    } catch (error) {
      throwIfAborted(context.signal);
      refused.push({ path: candidate.path, error: asImportFailure(candidate.path, error) });
    }
  }
  // The same backup under two names is one, of the earlier time.
  const seen = new Set<string>();
  const once = imports
    .toSorted((a, b) => a.time.getTime() - b.time.getTime())
    .map((each) => {
      const key = `${each.tag} ${each.component}`;
      const isAgain = seen.has(key);
      seen.add(key);
      return isAgain ? { ...each, present: true } : each;
    });
  return { imports: once, refused, passedOver };
}

function planOne(candidate: Candidate, examined: Examined, request: ImportRequest, points: readonly Point[]): PlannedImport {
  const { kind, what, bytes, sha256, made } = examined;
  const configured = chooseConfigured(candidate, kind, request);
  const component = request.component ?? configured?.name ?? usualName(candidate, kind);
  const { time, timeFrom } = chooseTime(candidate, made, request.time);
  const tag = importTag(sha256);
  const { database } = request;
  const source = configured?.source;
  const place = source?.kind === 'files' && source.paths.length === 1 ? source.paths[0] : undefined;
  return {
    path: candidate.path,
    component,
    kind,
    what,
    bytes,
    time,
    timeFrom,
    tag,
    present: isImported(points, tag, component),
    open: () => examined.entries({ component, time, database, configured: place }),
  };
}

function chooseConfigured(
  candidate: Candidate,
  kind: Examined['kind'],
  { component, configuration }: ImportRequest,
): ComponentConfiguration | undefined {
  const fitting = (configuration?.components ?? []).filter(({ source }) => source.kind === kind);
  if (component !== undefined) return fitting.find(({ name }) => name === component);
  const name = candidate.inner.toLowerCase();
  return fitting.find((each) => name.includes(each.name.toLowerCase())) ?? (fitting.length === 1 ? fitting[0] : undefined);
}

/** `uploads` of `uploads_2025-11-20.tar.gz`. */
function usualName({ inner }: Candidate, kind: Examined['kind']): string {
  if (kind === 'postgres') return 'database';
  const stem = inner
    .replace(/\.\w{1,6}$/, '')
    .replace(/[-_. ]*(\d{6,}|\d{1,4}[-_.]\d{1,2}[-_.]\d{1,4}).*$/, '')
    .replaceAll(/[^\p{L}\p{N}._-]+/gu, '-')
    .replace(/^[^\p{L}\p{N}]+/u, '');
  return stem.slice(0, 64) || 'files';
}

function chooseTime(candidate: Candidate, made: Date | undefined, given: Date | undefined): Pick<PlannedImport, 'time' | 'timeFrom'> {
  if (given !== undefined) return { time: given, timeFrom: 'given' };
  const name = candidate.path.slice(candidate.path.lastIndexOf('/') + 1);
  const named = timeInName(name) ?? timeInName(candidate.path.split('/').at(-2) ?? '');
  if (named !== undefined) return { time: named, timeFrom: 'name' };
  return made === undefined ? { time: candidate.modified, timeFrom: 'file' } : { time: made, timeFrom: 'content' };
}
