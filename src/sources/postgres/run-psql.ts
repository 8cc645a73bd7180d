/** Runs a dump in plain SQL through psql, in one transaction that ends only when all of it was read and run. */
import { HoldfastError } from '../../errors.ts';
import { ArchiveFormatError } from './archive/archive-toc.ts';
import { ScriptReader } from './dump-script.ts';
import type { PgRestoreRequest } from './run-pg-restore.ts';
import { judgeRestore } from './run-pg-restore.ts';
import { runOnServer } from './server.ts';

export interface PsqlRequest extends Omit<PgRestoreRequest, 'options' | 'entries' | 'jobs'> {
  /** Statements before the script, within its transaction. */
  readonly before: readonly string[];
}

/**
 * Throws `postgres-restore-failed` at the first error, `damaged` where the script is cut, …; then nothing was changed. psql's own
 * --single-transaction would commit what it had read when its input ends early, so the COMMIT is written here, last.
 */
export async function runPsql(request: PsqlRequest): Promise<void> {
  const { server, signal } = request;
  try {
    const end = await runOnServer(server, {
      file: request.tool.path,
      args: ['--no-psqlrc', '--quiet', '--no-password', '--output=/dev/null', '--set=ON_ERROR_STOP=1', '--file=-'],
      input: inTransaction(request),
      signal,
    });
    judgeRestore('psql', request, end);
  } catch (error) {
    if (signal.aborted) throw new HoldfastError('interrupted', {}, error);
    throw error;
  }
}

async function* inTransaction({ from, captured, before }: PsqlRequest): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = new ScriptReader();
  yield Buffer.from(['BEGIN', ...before].map((statement) => `${statement};\n`).join(''), 'utf8');
  for await (const chunk of from.read(captured.dump)) {
    reader.push(chunk);
    yield chunk;
  }
  try {
    reader.finish();
  } catch (error) {
    if (error instanceof ArchiveFormatError) throw new HoldfastError('damaged', { object: captured.dump, reason: error.message }, error);
    throw error;
  }
  yield Buffer.from('COMMIT;\n', 'utf8');
}
