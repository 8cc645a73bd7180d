/** What `ps` shows of PostgreSQL's programs to every user of the machine: a secret must never be among it. */
import { chmod, mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

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

/** Looks at the arguments of every process again and again, until `end`, which gives all that was seen. */
export function watchArguments(): { end(): Promise<string> } {
  const seen = new Set<string>();
  let watching = true;
  const look = async (): Promise<void> => {
    while (watching) {
      for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name)))
        seen.add((await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).replaceAll('\0', ' '));
      await sleep(5);
    }
  };
  const looking = look();
  return {
    end: async () => {
      watching = false;
      await looking;
      return [...seen].join('\n');
    },
  };
}
