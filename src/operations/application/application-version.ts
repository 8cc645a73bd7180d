/** The application's own version, as its configuration says where to find it. */
import { readFile } from 'node:fs/promises';
import { reasonOf } from '../../errors.ts';
import type { ApplicationTools } from './application-tools.ts';
import { runCommand } from './run-command.ts';

const limitMs = 60_000;

/** One line. Undefined where nothing is said, and where it cannot be found out: a backup does not fail for that, and a notice tells it. */
export async function readApplicationVersion(tools: ApplicationTools): Promise<string | undefined> {
  const { version } = tools.configuration;
  if (version === undefined) return undefined;
  try {
    if ('text' in version) return version.text;
    const text =
      'file' in version
        ? await readFile(version.file, 'utf8')
        : await runCommand(tools, { command: { run: version.run, withinMs: limitMs }, what: "the command for the application's version" });
    return text.trim().split('\n')[0]?.slice(0, 1000);
  } catch (error) {
    if (tools.context.signal.aborted) throw error;
    tools.context.events({ type: 'notice', message: `The application's version is not known: ${reasonOf(error)}.` });
    return undefined;
  }
}
