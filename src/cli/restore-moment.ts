/** `holdfast restore --at`: a server, or some of its tables, as of a moment. */
import { exitStatus, type ExitStatus } from '../errors.ts';
import type { Destination } from '../operations/point-in-time/restore-moment.ts';
import { applicationContext, findConfiguration } from './application-configuration.ts';
import type { CommandContext } from './command-context.ts';
import { confirmPlan } from './confirm-plan.ts';
import { lockChoice, openRepository } from './open-repository.ts';
import { readCount } from './option-values.ts';
import { readPoint } from './point-options.ts';
import { readDatabaseRequest, readMomentTarget, readTablespaces } from './restore-options.ts';
import { retrieveFirst } from './retrieve-first.ts';
import { withRecoveryTold, type RecoveryTelling } from './tell-of-recovery.ts';

/** What only dumps and files understand. */
const foreign = [
  'include',
  'iinclude',
  'exclude',
  'iexclude',
  'overwrite',
  'delete',
  'verify',
  'volume',
  'recreate',
  'jobs',
  'no-safety-copy',
];

export function restoreMoment(context: CommandContext): Promise<ExitStatus> {
  return withRecoveryTold(context, (telling) => restoreAndTell(context, telling));
}

async function restoreAndTell(context: CommandContext, telling: RecoveryTelling): Promise<ExitStatus> {
  const { options, output, environment, clock } = context;
  const target = readMomentTarget(options, clock.now());
  if (target === undefined) throw options.wrong('no moment was given');
  const { point, path } = readPoint(options, context.args[0]);
  if (path !== undefined) throw options.wrong('a server comes back whole, or by --tables, and not by a path');
  const wrong = foreign.find((name) => options.has(name));
  if (wrong !== undefined) throw options.wrong(`--${wrong} does not go with a moment`);
  const destination = readDestination(context);
  const timeline = options.value('timeline', readCount);
  const configuration = options.has('postgres') ? undefined : await findConfiguration(context);
  const url = options.text('postgres');
  const { restoreMoment: restore } = await import('../operations/point-in-time/restore-moment.ts');
  const { recordOfMoment, recordOfMomentPlan, textOfMoment, textOfMomentPlan } = await import('./print/print-recovery.ts');
  const { beginOfMoment, endingOfMoment } = await import('./tell-of-restore.ts');
  const repository = await openRepository(context);
  try {
    const until = target.kind === 'time' ? target.time : undefined;
    if (!(await retrieveFirst(context, repository, (scopes, facts) => scopes.scopeOfMoment(point, until, facts)))) return exitStatus.done;
    const result = await restore(
      repository,
      {
        target,
        point,
        destination,
        ...(timeline === undefined ? {} : { timeline }),
        ...(configuration === undefined ? {} : { configuration }),
        ...(url === undefined ? {} : { url }),
        lock: lockChoice(context),
        dryRun: options.has('dry-run'),
        confirm: async (plan) => {
          const [record, text] = [recordOfMomentPlan(plan), () => textOfMomentPlan(plan)];
          if (destination.kind !== 'beside') {
            const isSure = await confirmPlan(context, record, text);
            if (isSure && destination.kind === 'in place' && configuration !== undefined && !options.has('dry-run'))
              await telling.begin(beginOfMoment(configuration, plan.moment, clock), configuration, environment);
            return isSure;
          }
          // Nothing that is there is touched.
          if (output.json || !output.quiet) output.result(record, text);
          return true;
        },
      },
      { ...(await applicationContext(context)), environment, events: telling.events },
    );
    if (result === undefined) return exitStatus.done;
    telling.end(endingOfMoment(result));
    output.result(recordOfMoment(result), () => (output.quiet ? '' : textOfMoment(result)));
    return exitStatus.done;
  } finally {
    await repository.close();
  }
}

function readDestination({ options }: CommandContext): Destination {
  const [target, port] = [options.text('target'), options.value('port', readPort)];
  const [pause, amcheck, tablespaces] = [options.has('pause'), options.has('amcheck'), readTablespaces(options)];
  if (pause && port === undefined) throw options.wrong('--pause leaves a server running, and --port says where');
  if (options.has('tables')) {
    const stray = ['target', 'port', 'amcheck', 'tablespace'].find((name) => options.has(name));
    if (stray !== undefined) throw options.wrong(`--${stray} does not go with --tables, which go into a database that is live`);
    const { tables = [], ...restore } = readDatabaseRequest(options);
    return { kind: 'tables', tables, restore };
  }
  const stray = ['schema-only', 'data-only', 'clean', 'into', 'no-owner', 'roles'].find((name) => options.has(name));
  if (stray !== undefined) throw options.wrong(`--${stray} goes with --tables; a whole server comes back as it was`);
  if (target === undefined) {
    if (port !== undefined) throw options.wrong('--port is for a server in a new folder, and --target names it');
    return { kind: 'in place', amcheck, tablespaces };
  }
  return { kind: 'beside', target, pause, amcheck, tablespaces, ...(port === undefined ? {} : { port }) };
}

function readPort(text: string): number {
  const port = readCount(text);
  if (port < 1 || port > 65_535) throw new Error('is not a port');
  return port;
}
