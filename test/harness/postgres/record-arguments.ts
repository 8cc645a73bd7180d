/** What `ps` shows of PostgreSQL's programs to every user of the machine: a secret must never be among it. */
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A folder with the programs of another, each of which first writes its arguments down. */
export async function recordArguments(toolsFolder: string, folder: string): Promise<{ read(): Promise<string> }> {
  const record = join(folder, 'arguments');
  await mkdir(folder, { recursive: true });
  await writeFile(record, '');
  for (const tool of ['pg_dump', 'pg_dumpall', 'pg_restore', 'psql']) {
    await writeFile(
      join(folder, tool),
      `#!/bin/sh\nprintf '%s ' ${tool} "$@" '\n' >>'${record}'\nexec '${join(toolsFolder, tool)}' "$@"\n`,
    );
    await chmod(join(folder, tool), 0o755);
  }
  return { read: () => readFile(record, 'utf8') };
}
