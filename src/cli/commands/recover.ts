import { resolve } from 'node:path';
import { exitStatus, HoldfastError, type ExitStatus } from '../../errors.ts';
import type { RecoveryResult } from '../../operations/application/recover.ts';
import { applicationContext } from '../application-configuration.ts';
import type { CommandContext } from '../command-context.ts';
import type { CommandDescription } from '../command-description.ts';
import { confirmPlan } from '../confirm-plan.ts';
import { lockChoice, openRepository } from '../open-repository.ts';
import { pointText } from '../point-options.ts';
import { retrieveFirst, retrieveOption } from '../retrieve-first.ts';
import { notifyOption, withRecoveryTold, type RecoveryTelling } from '../tell-of-recovery.ts';

export const recoverCommand: CommandDescription = {
  name: 'recover',
  description:
    "Brings the whole application back, on an empty machine too: it needs the repository's address and password, and nothing else.\nThe plan is shown first. Configuration and code come back, then databases and files in the order that fits, then the recovery's own commands run, services start, and health and smoke tests are asked.\nWhere a step fails nothing behind it is begun, and --resume goes on with it. Exit status 4: all is back, and a smoke test failed.",
  options: [
    { flags: '--point <point>', text: `${pointText} (default: the newest that was made with a configuration)` },
    { flags: '--application <name>', text: 'whose points are meant, where the repository holds those of several applications' },
    { flags: '-t, --target <folder>', text: 'put files, code and configuration below this folder, with their whole paths' },
    { flags: '--resume', text: 'go on with a recovery that did not come to its end' },
    { flags: '--no-safety-copy', text: 'take no copy of what is overwritten' },
    notifyOption,
    retrieveOption,
    { flags: '-y, --yes', text: 'do not ask' },
    { flags: '-n, --dry-run', text: 'show the plan, and do nothing' },
  ],
  examples: ['recover -r s3://acme-backups/app', 'recover -r /mnt/backups/app --yes --resume'],
  run: (context) => withRecoveryTold(context, (telling) => recoverAndTell(context, telling)),
};

async function recoverAndTell(context: CommandContext, telling: RecoveryTelling): Promise<ExitStatus> {
  const { options, output } = context;
  const { recover } = await import('../../operations/application/recover.ts');
  const { endingOfRecovery, subjectOfRecovery } = await import('../../operations/application/tell-recovery.ts');
  const { recordOfRecovery, recordOfRecoveryPlan, textOfRecovery, textOfRecoveryPlan } = await import('../print/print-application.ts');
  const [point, application, target] = ['point', 'application', 'target'].map((name) => options.text(name));
  const repository = await openRepository(context);
  try {
    if (!(await retrieveFirst(context, repository, (scopes, facts) => scopes.scopeOfRecovery({ name: point, application }, facts))))
      return exitStatus.done;
    const result = await recover(
      repository,
      {
        ...(point === undefined ? {} : { point }),
        ...(application === undefined ? {} : { application }),
        ...(target === undefined ? {} : { target: resolve(target) }),
        resume: options.has('resume'),
        dryRun: options.has('dry-run'),
        safetyCopy: !options.has('no-safety-copy'),
        lock: lockChoice(context),
        confirm: (plan, before) => confirmPlan(context, recordOfRecoveryPlan(plan, before), () => textOfRecoveryPlan(plan, before)),
        onBegin: (begun) => telling.begin(subjectOfRecovery(begun), begun.configuration, begun.environment),
      },
      { ...(await applicationContext(context)), events: telling.events },
    );
    const { report } = result;
    if (report === undefined) return exitStatus.done;
    telling.end(endingOfRecovery({ ...result, report }));
    output.result(recordOfRecovery(result), () => textOfRecovery(result));
    return statusOf(context, result);
  } finally {
    await repository.close();
  }
}

/** Throws what stopped it, with the way to go on. */
function statusOf({ options }: CommandContext, { report, failure, plan }: RecoveryResult): ExitStatus {
  if (failure !== undefined) {
    if (failure.code === 'interrupted') throw failure;
    const step = report?.steps.find(({ status }) => status === 'failed')?.name ?? '';
    const target = options.text('target');
    const again = [
      'holdfast recover',
      ...options.texts('repo').map((url) => `-r ${url}`),
      ...(target === undefined ? [] : [`--target ${target}`]),
      '--resume',
    ];
    throw new HoldfastError(
      'recovery-stopped',
      { application: plan.application, step, reason: failure.message.replace(/\.$/, ''), remedy: failure.hint, command: again.join(' ') },
      failure,
    );
  }
  if (report?.status === 'disproved') return exitStatus.disproved;
  return report?.status === 'recovered' ? exitStatus.done : exitStatus.incomplete;
}
