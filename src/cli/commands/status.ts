import { HoldfastError, exitStatus, type ExitStatus } from '../../errors.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { RunRecord } from '../../catalog/run-record.ts';
import type { Configuration, RepositoryConfiguration } from '../../config/configuration.ts';
import type { Repository } from '../../engine/repository.ts';
import type { ReadStatus } from '../../operations/status/read-status.ts';
import type { StatusMeasures } from '../../operations/status/status-measures.ts';
import type { StatusReport } from '../../operations/status/status-report.ts';
import { applicationContext, requireConfiguration } from '../application-configuration.ts';
import type { CommandContext } from '../command-context.ts';
import type { CommandDescription } from '../command-description.ts';
import { openHostCatalog } from '../open-catalog.ts';
import { withNamedRepository } from '../open-repository.ts';
import { isUnwatched } from '../tell-people.ts';

export const statusCommand: CommandDescription = {
  name: 'status',
  description:
    'Shows how the application stands: of each component the newest moment that could be restored and its age, when a drill last proved it and how long it would take, beside what was promised; and of each repository its points, its space and when that will be used up. It reads the repositories and changes nothing, but with --accept.\nWith --checklist it answers the questions that people tick by hand every day, week and month, from what is known.\nWith --accept a person says that what is odd about a component or a repository is meant: it is told no more, and retention goes on.\nWhere a schedule starts it (HOLDFAST_TRIGGER=schedule) and no daemon does, it tells those under notify what is wrong, and when it is right again.\nExit status 4: an objective is missed, a drill disproved a point, much is missing in the newest backup of a component, a repository is another one than before, or a question is answered with no; 1: a repository cannot be reached.',
  options: [
    { flags: '--checklist', text: 'answer the daily, weekly and monthly questions' },
    {
      flags: '--measures',
      text: 'with --json also sizes, locks, and how far stored logs are behind their servers: what metrics are made of',
    },
    { flags: '--accept <name>', text: 'a component, a repository, or the id of what is odd: that change is meant (may be repeated)' },
    { flags: '--reason <text>', text: 'with --accept: why, for whoever wonders later' },
  ],
  examples: ['status', 'status --checklist', 'status --accept database --reason "old orders were archived"', 'status --json'],
  run: async (context) => {
    const { options, output } = context;
    const configuration = await requireConfiguration(context);
    if (options.has('accept')) {
      const { acceptChanges } = await import('../accept-changes.ts');
      return withCatalog(context, (catalog) => acceptChanges(context, configuration, catalog));
    }
    const measure = options.has('measures');
    const { facts, status, measures } = await withCatalog(context, (catalog) => read(context, configuration, { catalog, measure }));
    if (options.has('checklist')) {
      const { makeChecklist } = await import('../../operations/status/checklist.ts');
      const { recordOfItem, textOfChecklist } = await import('../print/print-checklist.ts');
      const runs = await readRuns(context, configuration);
      const items = makeChecklist({ configuration, status, facts, runs });
      for (const item of items) output.result(recordOfItem(item), () => '');
      output.say(textOfChecklist(items));
      return items.some(({ answer }) => answer === 'no') ? exitStatus.disproved : exitStatus.done;
    }
    const { recordOfStatus } = await import('../../operations/status/status-record.ts');
    const { textOfStatus } = await import('../print/print-status.ts');
    const record = { ...recordOfStatus(status), ...(measures === undefined ? {} : { measures }) };
    output.result(record, () => textOfStatus(status));
    if (isUnwatched(context.environment) && (configuration.notify ?? []).length > 0) {
      const { tellOfStanding } = await import('../tell-of-standing.ts');
      await tellOfStanding(record, configuration, context);
    }
    return exitOf(status);
  },
};

export const metricsCommand: CommandDescription = {
  name: 'metrics',
  description:
    'Prints how the application stands as metrics for Prometheus (docs/metrics.md), for whoever runs no daemon: with --textfile for the folder that its node exporter reads, from cron. The daemon (holdfast serve) answers with the same, and more, at /metrics.',
  options: [{ flags: '--textfile <file>', text: 'write them into this file, at once and as a whole' }],
  examples: ['metrics', 'metrics --textfile /var/lib/prometheus/node-exporter/holdfast.prom'],
  run: async (context) => {
    const { options, output } = context;
    const { status, measures } = await read(context, await requireConfiguration(context), { measure: true });
    const { recordOfStatus } = await import('../../operations/status/status-record.ts');
    const { metricsOfStatus } = await import('../../operations/status/status-metrics.ts');
    const { renderMetrics } = await import('../../observe/metrics/metrics.ts');
    const { readVersion } = await import('../../util/program-version.ts');
    const { application, at } = status;
    const text = await renderMetrics({
      version: readVersion(),
      application,
      at,
      ...metricsOfStatus({ ...recordOfStatus(status), measures }),
    });
    const file = options.text('textfile');
    if (file === undefined) output.result({ message_type: 'metrics', text }, () => text.trimEnd());
    else {
      const { writeTextfile } = await import('../../observe/metrics/write-textfile.ts');
      await writeTextfile(file, text);
    }
    return exitStatus.done;
  },
};

interface ReadChoice {
  readonly catalog?: Catalog | undefined;
  readonly measure: boolean;
}

type MeasuredStatus = ReadStatus & { readonly measures?: StatusMeasures };

async function read(context: CommandContext, configuration: Configuration, { catalog, measure }: ReadChoice): Promise<MeasuredStatus> {
  const { readStatus } = await import('../../operations/status/read-status.ts');
  const { createMeter } = await import('../../operations/status/status-meter.ts');
  const application = await applicationContext(context);
  const meter = measure ? createMeter(configuration, application) : undefined;
  const use = <Result>(named: RepositoryConfiguration, work: (repository: Repository) => Promise<Result>): Promise<Result> =>
    withNamedRepository(context, named, async (repository) => {
      const result = await work(repository);
      await meter?.measure(named, repository);
      return result;
    });
  const found = await readStatus(configuration, use, application, catalog);
  return { ...found, ...(meter === undefined ? {} : { measures: meter.measures(found.facts.repositories) }) };
}

/** What this host remembers is convenience: where it cannot be read that is said, and the work is done without. */
async function withCatalog<Result>(context: CommandContext, work: (catalog: Catalog | undefined) => Promise<Result>): Promise<Result> {
  const catalog = await openHostCatalog(context).catch((error: unknown) => {
    if (!(error instanceof HoldfastError)) throw error;
    context.output.remark(error.message);
    return undefined;
  });
  try {
    return await work(catalog);
  } finally {
    catalog?.close();
  }
}

/** Of this host; none, with a remark, where its history cannot be read. */
async function readRuns(context: CommandContext, { file }: Configuration): Promise<readonly RunRecord[]> {
  try {
    const catalog = await openHostCatalog(context);
    try {
      return catalog.runs({ configuration: file, limit: 1000 });
    } finally {
      catalog.close();
    }
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    context.output.remark(error.message);
    return [];
  }
}

/** What is down counts before what is missed: it may be missed because of that. */
function exitOf({ verdict, components, repositories, drills, changes = [] }: StatusReport): ExitStatus {
  if (repositories.some(({ unreachable }) => unreachable !== undefined)) return exitStatus.failed;
  // Less than is missing in the newest backup nobody should trust.
  const isSuspect = components.some(({ shrunk, anomalies }) => shrunk || anomalies.some(({ severity }) => severity === 'critical'));
  const isChanged = changes.some(({ severity }) => severity === 'critical');
  const isDisproved = drills.some(({ last }) => last?.verdict === 'disproved');
  return verdict === 'missed' || isDisproved || isSuspect || isChanged ? exitStatus.disproved : exitStatus.done;
}
