import { exitStatus, reasonOf } from '../../errors.ts';
import type { Notifier } from '../../observe/notify/notifier.ts';
import { requireConfiguration } from '../application-configuration.ts';
import type { CommandContext } from '../command-context.ts';
import { openHostCatalog } from '../open-catalog.ts';
import type { CommandDescription } from '../command-description.ts';
import { recordOfAnswer, recordOfOpenAlarm, recordOfRoute, textOfAnswer, textOfOpenAlarms, textOfRoutes } from '../print/print-notify.ts';

export const notifyListCommand: CommandDescription = {
  name: 'notify list',
  description:
    'Lists who is told what, when each was last reached and what keeps a message from them, and the alarms that are open. Nothing is sent.',
  examples: ['notify list', 'notify list -c production/holdfast.yaml --json'],
  run: (context) =>
    withNotifier(context, (notifier) => {
      const { output } = context;
      const [routes, alarms] = [notifier.routes(), notifier.openAlarms()];
      for (const route of routes) output.result(recordOfRoute(route), () => '');
      for (const alarm of alarms) output.result(recordOfOpenAlarm(alarm), () => '');
      output.say(`${textOfRoutes(routes)}\n\n${textOfOpenAlarms(alarms)}`);
      return exitStatus.done;
    }),
};

export const notifyTestCommand: CommandDescription = {
  name: 'notify test',
  description:
    'Really sends a test to all routes of the configuration, or to those that are named, past their rules, and says what each answered. A receiver of pings counts it as a success. When one could not be reached the exit status is 1.',
  arguments: [{ name: '[name...]', text: 'only these routes' }],
  examples: ['notify test', 'notify test email'],
  run: (context) =>
    withNotifier(context, async (notifier) => {
      const { options, output, args } = context;
      const names = notifier.routes().map(({ name }) => name);
      const stray = args.find((name) => !names.includes(name));
      if (stray !== undefined)
        throw options.wrong(`there is no route "${stray}" (${names.length === 0 ? 'the configuration has none' : names.join(', ')})`);
      if (names.length === 0) output.say('the configuration tells nobody: see docs/notify.md');
      const answers = await notifier.test(args.length === 0 ? undefined : args);
      for (const answer of answers) output.result(recordOfAnswer(answer), () => textOfAnswer(answer));
      return answers.every(({ ok }) => ok) ? exitStatus.done : exitStatus.failed;
    }),
};

/** What is known of earlier messages is in the catalog; without that, routes can be listed and tried all the same. */
async function withNotifier<Result>(context: CommandContext, work: (notifier: Notifier) => Result | Promise<Result>): Promise<Result> {
  const configuration = await requireConfiguration(context);
  const { openNotifier } = await import('../../operations/notify/open-notifier.ts');
  const { createMemoryAlarmStore } = await import('../../observe/notify/memory-alarm-store.ts');
  const catalog = await openCatalogSoftly(context);
  try {
    const { clock, environment, signal } = context;
    return await work(openNotifier(configuration, { store: catalog?.alarms ?? createMemoryAlarmStore(), clock, environment, signal }));
  } finally {
    catalog?.close();
  }
}

async function openCatalogSoftly(context: CommandContext) {
  try {
    return await openHostCatalog(context);
  } catch (error) {
    context.output.remark(`what was sent earlier is not known: ${reasonOf(error)}`);
    return undefined;
  }
}
