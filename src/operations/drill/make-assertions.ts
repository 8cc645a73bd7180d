/** What the user says must hold of what was restored: queries go to the restored database, commands are told where everything lies. */
import type { SmokeTest } from '../../config/configuration.ts';
import { HoldfastError, reasonOf } from '../../errors.ts';
import { withSession } from '../../sources/postgres/server.ts';
import { maskSecrets } from '../application/mask-secrets.ts';
import { nameOfSmoke } from '../application/recovery-plan.ts';
import { runCommand } from '../application/run-command.ts';
import { isTrue, whyHttpFailed } from '../application/smoke-test.ts';
import { boundText, type DrillReport } from './drill-report.ts';
import type { DrillRun, RestoredDatabase } from './drill-run.ts';

type Assertion = DrillReport['assertions'][number];

/** One after the other, all of them. Throws `interrupted`. */
export async function makeAssertions(run: DrillRun): Promise<Assertion[]> {
  const { drill, context, tools } = run;
  const made: Assertion[] = [];
  for (const test of drill.assertions) {
    const name = boundText(nameOfSmoke(test)).slice(0, 1000);
    context.events({ type: 'phase', phase: `assert ${name}` });
    const began = context.clock.now().getTime();
    const reason = await whyNot(run, test).catch((error: unknown) => {
      if (context.signal.aborted) throw error;
      return reasonOf(error);
    });
    const seconds = Math.max(0, context.clock.now().getTime() - began) / 1000;
    const told = reason === undefined ? {} : { reason: boundText(maskSecrets(reason, tools.context.environment)) };
    made.push({ name, passed: reason === undefined, seconds, ...told });
  }
  return made;
}

async function whyNot(run: DrillRun, test: SmokeTest): Promise<string | undefined> {
  const { context, tools, places } = run;
  if ('sql' in test) {
    const database = chooseDatabase(places.databases, test.component);
    const value = await withSession(database.server, async (session) => {
      await session.query('RESET search_path');
      await session.query("SET statement_timeout = '600s'");
      const [row] = await session.query<Record<string, unknown>>(test.sql.trim().replace(/;+$/, ''));
      return row === undefined ? undefined : Object.values(row)[0];
    });
    if (value === undefined) return 'the query gave no row';
    return isTrue(value) ? undefined : `the query's value is ${JSON.stringify(value)}`;
  }
  if ('http' in test) return whyHttpFailed(test, context.signal);
  await runCommand(tools, { command: test, what: 'the command', variables: variablesOf(run), signal: context.signal });
  return undefined;
}

/** Throws `usage` where it is not clear which is meant, or it was not restored. */
function chooseDatabase(databases: readonly RestoredDatabase[], component: string | undefined): RestoredDatabase {
  const meant = databases.filter((database) => component === undefined || database.component === component);
  const [only] = meant;
  if (only !== undefined && meant.length === 1) return only;
  const reason =
    only === undefined
      ? `the drill restored no database${component === undefined ? '' : ` of "${component}"`}`
      : 'the drill restored several databases, and a query can ask one: name its component';
  throw new HoldfastError('usage', { reason, help: 'docs/drills.md' });
}

/** Beside the environment of this process. */
function variablesOf({ places, mark }: DrillRun): Record<string, string> {
  const [first] = places.databases;
  const [folder] = places.folders.values();
  const of = (component: string): string => component.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_');
  return {
    HOLDFAST_DRILL: mark.text,
    ...Object.fromEntries(places.databases.map(({ component, name }) => [`HOLDFAST_DRILL_DATABASE_${of(component)}`, name])),
    ...Object.fromEntries([...places.folders].map(([component, path]) => [`HOLDFAST_DRILL_FOLDER_${of(component)}`, path])),
    ...(first === undefined ? {} : { HOLDFAST_DRILL_DATABASE: first.name }),
    ...(first?.url === undefined ? {} : { HOLDFAST_DRILL_DATABASE_URL: first.url }),
    // Not in the address: that may become an argument, which everybody can read.
    ...(first?.password === undefined ? {} : { PGPASSWORD: first.password }),
    ...(folder === undefined ? {} : { HOLDFAST_DRILL_FOLDER: folder }),
  };
}
