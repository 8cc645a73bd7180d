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

export async function restoreConfigured(context: CommandContext, configuration: Configuration): Promise<ExitStatus> {
  const { options, output } = context;
  const { restoreComponent } = await import('../operations/application/restore-component.ts');
  const { recordOfComponentRestore, recordOfRestorePlan, textOfComponentRestore, textOfRestorePlan } =
    await import('./print/print-application.ts');
  const { component: _, ...point } = readPoint(options, context.args[0]).point;
  const { path } = readPoint(options, context.args[0]);
  const [component, into, volume] = ['component', 'into', 'volume'].map((name) => options.text(name));
  const repository = await openRepository(context);
  try {
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
        confirm: (plan) => confirmPlan(context, recordOfRestorePlan(plan), () => textOfRestorePlan(plan)),
      },
      await applicationContext(context),
    );
    if (!report.done) return exitStatus.done;
    if (!output.quiet || output.json) output.result(recordOfComponentRestore(report), () => textOfComponentRestore(report));
    return report.problems > 0 ? exitStatus.incomplete : exitStatus.done;
  } finally {
    await repository.close();
  }
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
