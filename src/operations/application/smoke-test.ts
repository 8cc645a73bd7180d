/** Asks an application that was put back whether it works: what its configuration calls smoke tests. */
import type { Configuration, HttpSmokeTest, PostgresConfiguration, SmokeTest, SqlSmokeTest } from '../../config/configuration.ts';
import { HoldfastError, reasonOf } from '../../errors.ts';
import type { ApplicationTools } from './application-tools.ts';
import { maskSecrets } from './mask-secrets.ts';
import { queryDatabase } from './query-database.ts';
import { nameOfSmoke } from './recovery-plan.ts';
import { reasonOfFetch } from './reason-of-fetch.ts';
import { runCommand } from './run-command.ts';

const requestLimitMs = 30_000;
const largestBody = 1024 * 1024;

/** Throws `smoke-failed` where it does not pass, and `interrupted`. */
export async function runSmokeTest(tools: ApplicationTools, test: SmokeTest): Promise<void> {
  const reason = await whyFailed(tools, test).catch((error: unknown) => {
    if (tools.context.signal.aborted) throw error;
    return reasonOf(error);
  });
  if (reason !== undefined)
    throw new HoldfastError('smoke-failed', { test: nameOfSmoke(test), reason: maskSecrets(reason, tools.context.environment) });
}

async function whyFailed(tools: ApplicationTools, test: SmokeTest): Promise<string | undefined> {
  if ('sql' in test) return whySqlFailed(tools, test);
  if ('http' in test) return whyHttpFailed(test, tools.context.signal);
  await runCommand(tools, { command: test, what: 'the command' });
  return undefined;
}

async function whySqlFailed(tools: ApplicationTools, { sql, component }: SqlSmokeTest): Promise<string | undefined> {
  const value = await queryDatabase(tools, chooseDatabase(tools.configuration, component), sql);
  if (value === undefined) return 'the query gave no row';
  return isTrue(value) ? undefined : `the query's value is ${JSON.stringify(value)}`;
}

/** True, or a number that is not zero; as text too, which is how some come over the wire. */
export function isTrue(value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  if (typeof value === 'string' && /^(t|true)$/.test(value)) return true;
  return (
    (typeof value === 'number' || typeof value === 'string' || typeof value === 'bigint') &&
    value !== '' &&
    Number(value) !== 0 &&
    !Number.isNaN(Number(value))
  );
}

/** Throws `usage` where it is not clear which is meant. */
function chooseDatabase({ components, file }: Configuration, name: string | undefined): PostgresConfiguration {
  const databases = components.flatMap(({ name: its, source, partOf }): PostgresConfiguration[] => {
    if (partOf !== undefined || (name !== undefined && its !== name)) return [];
    return source.kind === 'postgres' || source.kind === 'postgres-base' ? [{ kind: 'postgres', at: source.at }] : [];
  });
  const [only] = databases;
  if (only === undefined || databases.length > 1)
    throw new HoldfastError('usage', {
      reason: name === undefined ? 'a smoke test with SQL needs the component of a database' : `"${name}" is no component of a database`,
      help: file,
    });
  return only;
}

/** Undefined where it answers as it should. */
export async function whyHttpFailed({ http, status = 200, contains }: HttpSmokeTest, signal: AbortSignal): Promise<string | undefined> {
  try {
    const answer = await fetch(http, { redirect: 'manual', signal: AbortSignal.any([signal, AbortSignal.timeout(requestLimitMs)]) });
    const body = await readBody(answer);
    if (answer.status !== status) return `it answers with status ${answer.status}, and not with ${status}`;
    return contains === undefined || body.includes(contains) ? undefined : `its answer does not contain ${JSON.stringify(contains)}`;
  } catch (error) {
    return reasonOfFetch(error);
  }
}

/** Its beginning: an answer may have no end. */
async function readBody({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  const reader = body?.getReader();
  while (reader !== undefined && size < largestBody) {
    const piece: { readonly value?: unknown } = await reader.read();
    if (!(piece.value instanceof Uint8Array)) break;
    chunks.push(piece.value);
    size += piece.value.length;
  }
  await reader?.cancel();
  return Buffer.concat(chunks).toString('utf8');
}
