/** `holdfast restore` with a configuration: one component goes back where it came from. */
import type { Configuration } from '../config/configuration.ts';
import { exitStatus, type ExitStatus } from '../errors.ts';
import type { ComponentRestoreRequest } from '../operations/application/restore-component.ts';
import { applicationContext } from './application-configuration.ts';
import type { CommandContext } from './command-context.ts';
import { confirmPlan } from './confirm-plan.ts';
import { readExcludes } from './file-selection.ts';
import { lockChoice, openRepository } from './open-repository.ts';
import { readPoint } from './point-options.ts';
import { overwriteModes, readDatabaseRequest } from './restore-options.ts';
import { retrieveFirst } from './retrieve-first.ts';
import { withRecoveryTold, type RecoveryTelling } from './tell-of-recovery.ts';

export function restoreConfigured(context: CommandContext, configuration: Configuration): Promise<ExitStatus> {
  return withRecoveryTold(context, (telling) => restoreAndTell(context, configuration, telling));
}

async function restoreAndTell(context: CommandContext, configuration: Configuration, telling: RecoveryTelling): Promise<ExitStatus> {
  const { options, output, clock, environment } = context;
  const { restoreComponent } = await import('../operations/application/restore-component.ts');
  const { beginOfRestore, endingOfRestore } = await import('./tell-of-restore.ts');
  const { recordOfComponentRestore, recordOfRestorePlan, textOfComponentRestore, textOfRestorePlan } =
    await import('./print/print-application.ts');
  const { component: _, ...point } = readPoint(options, context.args[0]).point;
  const { path } = readPoint(options, context.args[0]);
  const [component, into, volume] = ['component', 'into', 'volume'].map((name) => options.text(name));
  const repository = await openRepository(context);
  try {
    const asked = component === undefined ? point : { ...point, component };
    if (!(await retrieveFirst(context, repository, (scopes, facts) => scopes.scopeOfPoint(asked, path, facts)))) return exitStatus.done;
    const report = await restoreComponent(
      repository,
      configuration,
      {
        point,
        ...(component === undefined ? {} : { component }),
        ...(into === undefined ? {} : { into }),
        ...(volume === undefined ? {} : { volume }),
        ...(path === undefined ? {} : { path }),
        database: readDatabase(context),
        files: await readFiles(context),
        safetyCopy: !options.has('no-safety-copy'),
        dryRun: options.has('dry-run'),
        lock: lockChoice(context),
        confirm: async (plan) => {
          const isSure = await confirmPlan(context, recordOfRestorePlan(plan), () => textOfRestorePlan(plan));
          if (isSure && isWhole(context, path) && telling.wants(configuration))
            await telling.begin(await beginOfRestore(repository, configuration, plan, clock), configuration, environment);
          return isSure;
        },
      },
      { ...(await applicationContext(context)), events: telling.events },
    );
    if (!report.done) return exitStatus.done;
    telling.end(endingOfRestore(report));
    output.result(recordOfComponentRestore(report), () => (output.quiet ? '' : textOfComponentRestore(report)));
    return report.problems > 0 ? exitStatus.incomplete : exitStatus.done;
  } finally {
    await repository.close();
  }
}

/** What puts only a part of it back, or puts it elsewhere, is nobody's news. */
const onlyParts = ['dry-run', 'into', 'volume', 'tables', 'schema-only', 'data-only', 'include', 'iinclude', 'exclude', 'iexclude'];

function isWhole({ options }: CommandContext, path: string | undefined): boolean {
  return path === undefined && !onlyParts.some((name) => options.has(name));
}

/** Only what was given, so that what is not for the component's kind is found. */
function readDatabase({ options }: CommandContext): NonNullable<ComponentRestoreRequest['database']> {
  const { into: _, ...request } = readDatabaseRequest(options);
  return Object.fromEntries(Object.entries(request).filter(([, value]) => value !== false));
}

async function readFiles(context: CommandContext): Promise<NonNullable<ComponentRestoreRequest['files']>> {
  const { options } = context;
  const overwrite = overwriteModes.find((mode) => mode === options.text('overwrite'));
  return {
    ...(options.has('include') ? { include: options.texts('include') } : {}),
    ...(options.has('iinclude') ? { includeInsensitive: options.texts('iinclude') } : {}),
    ...(await readExcludes(context)),
    ...(overwrite === undefined ? {} : { overwrite }),
    ...(options.has('delete') ? { delete: true } : {}),
    ...(options.has('verify') ? { verify: true } : {}),
    ...(options.has('no-sparse') ? { sparse: false } : {}),
  };
}
