/** Settings of a recovery in postgresql.auto.conf, which the server reads after its other files: in a marked part of their own, so that they can be taken away again. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Settings } from './recovery-target.ts';
import { writeAs, type ServerUser } from './server-user.ts';

const beginning = '# These lines were written by holdfast restore';
const end = '# end of the lines of holdfast restore';

/** One line of a configuration file. */
function settingLine(name: string, value: string): string {
  return `${name} = '${value.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}

/**
 * Writes these settings below all others (an earlier such part is replaced; none leaves the file as it was before the first). `why` is a
 * sentence for whoever reads the file.
 */
export async function putSettings(dataDirectory: string, settings: Settings, why: string, user: ServerUser | undefined): Promise<void> {
  const path = join(dataDirectory, 'postgresql.auto.conf');
  const text = withoutOurs(await readFile(path, 'utf8').catch(() => ''));
  const lines = Object.entries(settings).map(([name, value]) => settingLine(name, value));
  const ours = lines.length === 0 ? [] : [`${beginning}: ${why}`, ...lines, end, ''];
  await writeAs(path, text + ours.join('\n'), user);
}

function withoutOurs(text: string): string {
  const kept: string[] = [];
  let inside = false;
  for (const line of text.split('\n')) {
    if (line.startsWith(beginning)) inside = true;
    if (!inside) kept.push(line);
    if (line === end) inside = false;
  }
  const rest = kept.join('\n');
  return rest === '' || rest.endsWith('\n') ? rest : `${rest}\n`;
}
