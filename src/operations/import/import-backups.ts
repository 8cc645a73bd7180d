/** Takes old backups in: look at them, show what they become, save each as a point of its own date. */
import type { Repository } from '../../engine/repository.ts';
import { throwIfAborted, type RunContext } from '../../engine/run-context.ts';
import { HoldfastError } from '../../errors.ts';
import type { Source } from '../../sources/source.ts';
import { backUp } from '../back-up.ts';
import type { LockChoice } from '../open-session.ts';
import { loadPoints } from '../points.ts';
import type { ExamineContext } from './examine.ts';
import { asImportFailure } from './import-failure.ts';
import { planImports, type ImportPlan, type ImportRequest, type PlannedImport } from './plan-imports.ts';

export interface ImportBackupsRequest extends ImportRequest, Omit<ExamineContext, 'signal'> {
  readonly tags: readonly string[];
  readonly host?: string;
  readonly dryRun: boolean;
  readonly lock: LockChoice;
  /** Shown the plan before anything is saved; false ends without saving. */
  readonly confirm: (plan: ImportPlan) => Promise<boolean>;
}

export interface ImportReport {
  readonly plan: ImportPlan;
  readonly imported: readonly { readonly path: string; readonly point: string }[];
  /** Refused before, and those that could not be saved. */
  readonly refused: ImportPlan['refused'];
  readonly done: boolean;
}

/** The tag of all points that were imported. */
const importedTag = 'imported';

/**
 * @param openRepository nothing for a dry run where there is no repository yet
 * @throws HoldfastError `import-nothing` where no backup was found, or every one was refused; `interrupted`, `locked`
 */
export async function importBackups(
  openRepository: () => Promise<Repository | undefined>,
  request: ImportBackupsRequest,
  context: RunContext,
): Promise<ImportReport> {
  const existing = await openRepository();
  const points = existing === undefined ? [] : await loadPoints(existing);
  const plan = await planImports(request, points, {
    ...request,
    signal: context.signal,
    onExamine: (path) => context.events({ type: 'phase', phase: `look at ${path}` }),
  });
  requireSome(plan);
  const nothing = { plan, imported: [], refused: plan.refused, done: false };
  if (!(await request.confirm(plan)) || request.dryRun || existing === undefined) return nothing;
  const imported: { path: string; point: string }[] = [];
  const refused = [...plan.refused];
  for (const each of plan.imports.filter(({ present }) => !present)) {
    throwIfAborted(context.signal);
    try {
      imported.push({ path: each.path, point: await saveOne(existing, each, request, context) });
    } catch (error) {
      throwIfAborted(context.signal);
      if (error instanceof HoldfastError && (error.code.startsWith('storage-') || error.code.startsWith('lock'))) throw error;
      const failure = asImportFailure(each.path, error);
      refused.push({ path: each.path, error: failure });
      context.events({ type: 'problem', path: each.path, reason: failure.message });
    }
  }
  return { plan, imported, refused, done: true };
}

function requireSome({ imports, refused }: ImportPlan): void {
  if (imports.length > 0) return;
  const [first] = refused;
  if (first !== undefined && refused.length === 1) throw first.error;
  const reason =
    first === undefined ? 'there is no backup in what was named' : `none of ${refused.length} could be read (${first.error.message})`;
  throw new HoldfastError('import-nothing', { reason });
}

async function saveOne(
  repository: Repository,
  { component, kind, time, tag, open }: PlannedImport,
  { configuration, tags, host, lock }: ImportBackupsRequest,
  context: RunContext,
): Promise<string> {
  const { entries, paths } = open();
  const source: Source = {
    kind,
    component,
    describe: () => Promise.resolve({ kind, component, title: component, facts: {} }),
    capture: () => Promise.resolve({ shape: 'streams', entries }),
  };
  const order = {
    components: [{ source, paths, tags: [importedTag, tag] }],
    time,
    tags,
    lock,
    ...(configuration === undefined ? {} : { application: configuration.application }),
    ...(host === undefined ? {} : { host }),
  };
  const { pointId } = await backUp(repository, order, context);
  if (pointId === undefined) throw new HoldfastError('internal', { reason: 'an import made no point' });
  return pointId;
}
