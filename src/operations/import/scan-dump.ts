/** Reads a dump with pg_restore, to its end: what it cannot read could not be restored either. */
import { findTool } from '../../sources/postgres/find-tools.ts';
import type { StorageEnvironment } from '../../storage/storage-options.ts';
import { startSubprocess } from '../../util/subprocess.ts';
import { refuseImport } from './import-failure.ts';
import { readScript, type ScriptFacts } from './read-script.ts';
import { majorOf } from './imported-manifest.ts';

export interface ScanRequest {
  readonly path: string;
  /** Of pg_dump that made it. */
  readonly dumpVersion: string;
  /** The archive; for a folder its path. */
  readonly input: AsyncIterable<Uint8Array> | string;
  readonly environment: StorageEnvironment;
  readonly signal: AbortSignal;
}

/** Counts of what it holds. Throws `postgres-tools-missing`, `postgres-tools-old`, `import-unreadable`. */
export async function scanDump({ path, dumpVersion, input, environment, signal }: ScanRequest): Promise<ScriptFacts> {
  const need = { title: path, serverVersion: dumpVersion, major: majorOf(dumpVersion) };
  const tool = await findTool('pg_restore', need, { environment });
  const env = { PATH: environment['PATH'] ?? '', LC_ALL: 'C' };
  const args = ['--create', '--file=-', ...(typeof input === 'string' ? ['--format=directory', input] : ['--format=custom'])];
  const child = startSubprocess({ file: tool.path, args, env, signal, ...(typeof input === 'string' ? {} : { input }) });
  try {
    let facts: ScriptFacts | undefined;
    let failure: Error | undefined;
    try {
      for await (const part of readScript(child.output)) {
        for await (const _ of part.lines);
        facts = part.facts();
      }
    } catch (error) {
      // pg_restore's own words say more than that its output ends early.
      failure = error instanceof Error ? error : new Error(String(error));
      for await (const _ of child.output);
    }
    const end = await child.ended;
    if (end.inputFailure !== undefined) throw end.inputFailure;
    if (end.status !== 0) refuseImport(path, `pg_restore cannot read it (${lastWords(end.stderr)})`);
    if (facts === undefined) throw failure ?? new Error('pg_restore wrote nothing');
    return facts;
  } finally {
    await child.stop();
  }
}

function lastWords(stderr: string): string {
  return (
    stderr
      .trim()
      .split('\n')
      .at(-1)
      ?.replace(/^pg_restore: (error: )?/, '') ?? ''
  );
}
