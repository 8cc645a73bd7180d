import { join } from 'node:path';
import { HoldfastError, exitStatus, reasonOf } from '../../errors.ts';
import type { ScheduleForm, ScheduleOrder } from '../../operations/schedule/write-schedule.ts';
import { requireConfiguration } from '../application-configuration.ts';
import type { CommandContext } from '../command-context.ts';
import type { CommandDescription, OptionDescription } from '../command-description.ts';

const forms = ['crontab', 'systemd', 'windows', 'compose', 'kubernetes'] as const satisfies readonly ScheduleForm[];
const defaultImage = 'holdfast';

const asOption: OptionDescription = { flags: '--as <form>', text: 'for which scheduler (default: what fits this machine)', choices: forms };
const rootOption: OptionDescription = {
  flags: '--root <dir>',
  text: 'with --as systemd: another system than this one, such as an image that is made, by its root',
};
const runOptions: readonly OptionDescription[] = [
  asOption,
  { flags: '--program <path>', text: 'the holdfast that is to be run (default: this one)' },
  { flags: '--user <name>', text: 'with --as systemd: who runs it (default: root)' },
  rootOption,
];

export const scheduleCommand: CommandDescription = {
  name: 'schedule',
  description:
    'Lists what the configuration has done by itself, each with its next three due times: backups, archives, drills, and the pruning and checking of repositories.\nThe daemon (holdfast serve) does it all; whoever would rather have cron, systemd, Windows, Compose or Kubernetes do it prints or installs the same for those.',
  examples: ['schedule', 'schedule --json'],
  run: async (context) => {
    const { output, clock } = context;
    const configuration = await requireConfiguration(context);
    const { listJobs } = await import('../../operations/schedule/list-jobs.ts');
    const { recordOfJob, textOfJobs } = await import('../print/print-schedule.ts');
    const jobs = listJobs(configuration, clock.now());
    for (const job of jobs) output.result(recordOfJob(job), () => '');
    output.say(textOfJobs(jobs));
    return exitStatus.done;
  },
};

export const schedulePrintCommand: CommandDescription = {
  name: 'schedule print',
  description:
    'Prints the schedule of the configuration for another scheduler: lines for a crontab, units of systemd, tasks of the Windows Task Scheduler, a service beside those of a Compose file, CronJobs of Kubernetes. Each job is one command line of holdfast. What that scheduler cannot do is told.',
  options: [
    ...runOptions,
    { flags: '--image <name>', text: `with --as compose and kubernetes: the image (default: ${defaultImage})` },
    { flags: '--out <dir>', text: 'write the files into this folder, rather than print them' },
  ],
  examples: [
    'schedule print --as crontab',
    'schedule print --as systemd --out ./units',
    'schedule print --as kubernetes --image registry.example/holdfast:0.1.0',
  ],
  run: async (context) => {
    const { options, output } = context;
    const { writeSchedule } = await import('../../operations/schedule/write-schedule.ts');
    const { recordOfFile, textOfFiles } = await import('../print/print-schedule.ts');
    const { form, files, notes } = writeSchedule(await readOrder(context));
    const folder = options.text('out');
    if (folder !== undefined) await writeFiles(folder, files);
    for (const file of files) output.result(recordOfFile(form, file, folder), () => '');
    if (!output.json) output.result({}, () => textOfFiles(files, folder));
    for (const note of notes) output.remark(`note: ${note}`);
    return exitStatus.done;
  },
};

export const scheduleInstallCommand: CommandDescription = {
  name: 'schedule install',
  description:
    'Puts the schedule of the configuration into the crontab of whoever runs this, or installs and starts timers of systemd: for the machine as root, else for this user. What was installed before for the same application is replaced; everything else stays.',
  options: runOptions,
  examples: ['schedule install', 'schedule install --as crontab'],
  run: async (context) => {
    const { output } = context;
    const { installSchedule } = await import('../../operations/schedule/write-schedule.ts');
    const { form, jobs, notes } = await installSchedule(await readOrder(context), context);
    output.result({ message_type: 'schedule', form, change: 'installed', jobs }, () =>
      output.quiet ? '' : `${jobs === 1 ? '1 job is' : `${jobs} jobs are`} in the hands of ${nameOf(form)}`,
    );
    for (const note of notes) output.remark(`note: ${note}`);
    return exitStatus.done;
  },
};

export const scheduleRemoveCommand: CommandDescription = {
  name: 'schedule remove',
  description: 'Takes out of the crontab, or out of systemd, what "holdfast schedule install" put there for this configuration.',
  options: [asOption, rootOption],
  examples: ['schedule remove', 'schedule remove --as systemd'],
  run: async (context) => {
    const { output } = context;
    const { removeSchedule } = await import('../../operations/schedule/write-schedule.ts');
    const order = await readOrder(context);
    const removed = await removeSchedule(order, context);
    output.result({ message_type: 'schedule', form: order.form, change: removed ? 'removed' : 'none' }, () =>
      output.quiet ? '' : removed ? `${nameOf(order.form)} has nothing of it any more` : `${nameOf(order.form)} had nothing of it`,
    );
    return exitStatus.done;
  },
};

async function readOrder(context: CommandContext): Promise<ScheduleOrder> {
  const { options, environment, clock } = context;
  const { chooseForm } = await import('../../operations/schedule/write-schedule.ts');
  const { ownProgram } = await import('../../daemon/program.ts');
  const { stateFolderOf } = await import('../../util/state-folder.ts');
  const form = forms.find((each) => each === options.text('as')) ?? chooseForm(environment);
  const [program, user, root] = [options.text('program'), options.text('user'), options.text('root')];
  if ((user ?? root) !== undefined && form !== 'systemd') throw options.wrong('--user and --root go with --as systemd');
  return {
    configuration: await requireConfiguration(context),
    form,
    program: program === undefined ? ownProgram() : { file: program, args: [] },
    image: options.text('image') ?? defaultImage,
    stateFolder: stateFolderOf(environment),
    now: clock.now(),
    ...(user === undefined ? {} : { user }),
    ...(root === undefined ? {} : { root }),
  };
}

async function writeFiles(folder: string, files: readonly { readonly name: string; readonly text: string }[]): Promise<void> {
  const { mkdir, writeFile } = await import('node:fs/promises');
  try {
    await mkdir(folder, { recursive: true });
    for (const { name, text } of files) await writeFile(join(folder, name), text);
  } catch (error) {
    const remedy = 'Name a folder that can be written with --out';
    throw new HoldfastError('schedule-form', { form: folder, reason: reasonOf(error), remedy }, error);
  }
}

const formNames = { crontab: 'cron', systemd: 'systemd', windows: 'Windows', compose: 'Compose', kubernetes: 'Kubernetes' } as const;

function nameOf(form: ScheduleForm): string {
  return formNames[form];
}
