import type { Configuration } from '../../config/configuration.ts';
import type { DrillConfiguration } from '../../config/drill-configuration.ts';
import { exitStatus, reasonOf, type ExitStatus } from '../../errors.ts';
import type { Repository } from '../../engine/repository.ts';
import type { DrillReport } from '../../operations/drill/drill-report.ts';
import { applicationContext, findConfiguration } from '../application-configuration.ts';
import type { CommandContext } from '../command-context.ts';
import type { CommandDescription } from '../command-description.ts';
import { lockChoice, openNamedRepository, openRepository } from '../open-repository.ts';

export const drillCommand: CommandDescription = {
  name: 'drill',
  description:
    "Restores a point for real, into a database, a server, a folder or a volume of the drill's own, compares it with what was saved, and takes everything away again. Without a name every component of the newest point is restored; a drill of the configuration does what that says.\nThe report is kept in the repository, and a point that passed is proven. Exit status 4: the point is disproved; 1: it could not be tried.",
  arguments: [
    { name: '[name]', text: 'a drill of the configuration, or a point: an id, latest, a time; with --report the id of a report' },
  ],
  options: [
    { flags: '--component <name...>', text: 'only these components' },
    {
      flags: '--kind <kind>',
      text: 'check: only read; restore (default); full: the whole application, beside itself',
      choices: ['check', 'restore', 'full'],
    },
    {
      flags: '--into <place>',
      text: 'where dumps go: a database beside the live one, or a server of its own',
      choices: ['temporary', 'cluster'],
    },
    { flags: '--point <point>', text: 'the point, with a drill of the configuration' },
    { flags: '--report', text: 'show the newest report, or the one named, and do nothing' },
    { flags: '--all', text: 'with --report: list all reports' },
    { flags: '--html <file>', text: 'write the report as a page that a person can sign' },
    { flags: '-n, --dry-run', text: 'show what would be restored, and do nothing' },
  ],
  examples: ['drill', 'drill monthly', 'drill latest --component database --into cluster', 'drill --report --html report.html'],
  run: async (context) => {
    const { options, args } = context;
    if (options.has('all') && !options.has('report')) throw options.wrong('--all is for --report');
    if (options.has('report')) return showReport(context);
    const configuration = await findConfiguration(context);
    const { drill, point } = await chooseDrill(context, configuration, args[0]);
    const repository = await openDrilled(context, configuration, drill);
    let status: ExitStatus;
    try {
      status = await drillOnce(context, { configuration, drill, point, repository });
    } finally {
      await repository.close();
    }
    if (configuration !== undefined && !options.has('dry-run')) await renewRunbook(context, configuration);
    return status;
  },
};

/** The recovery plan tells what was tried: it is made anew. What a drill has found does not hang on it. */
async function renewRunbook(context: CommandContext, configuration: Configuration): Promise<void> {
  const { writeRunbook } = await import('../write-runbook.ts');
  try {
    await writeRunbook(context, configuration, { keep: true });
  } catch (error) {
    if (context.signal.aborted) throw error;
    context.output.remark(`the runbook is not renewed: ${reasonOf(error)}`);
  }
}

interface Chosen {
  readonly configuration: Configuration | undefined;
  readonly drill: DrillConfiguration;
  readonly point: string | undefined;
  readonly repository: Repository;
}

/** What the command line says wins over the drill of the configuration. Throws `usage`. */
async function chooseDrill(
  { options }: CommandContext,
  configuration: Configuration | undefined,
  name: string | undefined,
): Promise<Pick<Chosen, 'drill' | 'point'>> {
  const { plainDrill } = await import('../../config/understand-drills.ts');
  const named = configuration?.drills?.find((drill) => drill.name === name);
  if (named === undefined && name !== undefined && options.has('point'))
    throw options.wrong(`there is no drill "${name}" in the configuration`);
  const kind = options.value('kind', readKind);
  const into = options.value('into', readPlace);
  const components = options.texts('component');
  const drill = {
    ...(named ?? plainDrill(kind ?? 'restore', [])),
    ...(kind === undefined ? {} : { kind }),
    ...(into === undefined ? {} : { into }),
    ...(components.length === 0 ? {} : { components }),
  };
  if (drill.kind === 'full' && components.length > 0) throw options.wrong('--kind full is of the whole application, without --component');
  return { drill, point: options.text('point') ?? (named === undefined ? name : undefined) };
}

function readKind(text: string): DrillConfiguration['kind'] | undefined {
  return text === 'check' || text === 'restore' || text === 'full' ? text : undefined;
}

function readPlace(text: string): DrillConfiguration['into'] | undefined {
  return text === 'temporary' || text === 'cluster' ? text : undefined;
}

/** The drill's own repository, unless the command line names one. */
function openDrilled(
  context: CommandContext,
  configuration: Configuration | undefined,
  { repository }: DrillConfiguration,
): Promise<Repository> {
  const own = configuration?.repositories.find(({ name }) => name === repository);
  const isGiven = context.options.has('repo') || context.options.has('repository-file');
  return own === undefined || isGiven ? openRepository(context) : openNamedRepository(context, own);
}

async function drillOnce(context: CommandContext, { configuration, drill, point, repository }: Chosen): Promise<ExitStatus> {
  const { options, output, environment } = context;
  const { runDrill } = await import('../../operations/drill/run-drill.ts');
  const { recordOfDrill, recordOfDrillPlan, recordsOfDrillFindings, textOfDrill, textOfDrillPlan } =
    await import('../print/print-drill.ts');
  const dryRun = options.has('dry-run');
  const { report, kept, left } = await runDrill(
    configuration,
    {
      repository,
      drill,
      ...(point === undefined ? {} : { point }),
      lock: lockChoice(context),
      dryRun,
      trigger: environment['HOLDFAST_TRIGGER'] ?? 'person',
      onPlan: (plan) => {
        if (dryRun) output.result(recordOfDrillPlan(plan), () => textOfDrillPlan(plan));
        else output.say(textOfDrillPlan(plan));
      },
    },
    await applicationContext(context),
  );
  if (report === undefined) return exitStatus.done;
  output.result(recordOfDrill(report, kept), () => textOfDrill(report));
  // For people they stand in the report.
  for (const finding of recordsOfDrillFindings(report)) output.finding(finding, () => '');
  for (const line of left) output.remark(line);
  await writePage(context, report);
  return statusOf(report);
}

function statusOf({ verdict }: Pick<DrillReport, 'verdict'>): ExitStatus {
  if (verdict === 'proven') return exitStatus.done;
  return verdict === 'disproved' ? exitStatus.disproved : exitStatus.failed;
}

async function writePage({ options, output }: CommandContext, report: Omit<DrillReport, 'previous'>, sha256?: string): Promise<void> {
  const file = options.text('html');
  if (file === undefined) return;
  const { pageOfDrill } = await import('../print/page-of-drill.ts');
  const { writeFile } = await import('node:fs/promises');
  await writeFile(file, pageOfDrill(report, sha256));
  output.remark(`the report is written to ${file}`);
}

/** Reports that are missing or were replaced are findings, and exit status 1. */
async function showReport(context: CommandContext): Promise<ExitStatus> {
  const { options, output, args } = context;
  const { findReport, readDrillReports } = await import('../../operations/drill/report-chain.ts');
  const { recordOfDrill, textOfDrill, textOfReports } = await import('../print/print-drill.ts');
  const repository = await openRepository(context);
  try {
    const history = await readDrillReports(repository);
    for (const problem of history.problems) output.finding({ message_type: 'drill_problem', message: problem }, () => `WRONG: ${problem}`);
    if (options.has('all')) {
      if (output.json) for (const { report, name } of history.reports) output.result(recordOfDrill(report, name), () => '');
      else output.result({}, () => textOfReports(history.reports));
    } else {
      const { report, name, sha256 } = findReport(history, args[0], repository.location);
      output.result(recordOfDrill(report, name), () => textOfDrill(report));
      await writePage(context, report, sha256);
    }
    return history.problems.length === 0 ? exitStatus.done : exitStatus.failed;
  } finally {
    await repository.close();
  }
}
