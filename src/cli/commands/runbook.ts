import { HoldfastError, exitStatus, type ExitStatus } from '../../errors.ts';
import { requireConfiguration } from '../application-configuration.ts';
import type { CommandContext } from '../command-context.ts';
import type { CommandDescription } from '../command-description.ts';
import { openRepository } from '../open-repository.ts';

export const runbookCommand: CommandDescription = {
  name: 'runbook',
  description:
    'Writes the recovery plan of this application: what is protected where, what was promised and what was measured, who is told, and every command in order with the time it took the last time, also without holdfast. It is made from the configuration and from what the repositories hold.\nThe newest is kept in each repository: on another machine --stored prints it, with the address and the password alone.',
  options: [
    { flags: '--html', text: 'as a page for the browser and for paper, rather than Markdown' },
    { flags: '--out <file>', text: 'write it into this file' },
    { flags: '--stored', text: 'print what is kept in the repository' },
    { flags: '--no-keep', text: 'do not keep it in the repositories' },
  ],
  examples: ['runbook', 'runbook --html --out runbook.html', 'runbook --stored -r s3://acme-backups/app'],
  run: async (context) => {
    const { options, output } = context;
    if (options.has('stored')) return printStored(context);
    const configuration = await requireConfiguration(context);
    const { writeRunbook } = await import('../write-runbook.ts');
    const { renderHtml, renderMarkdown } = await import('../../operations/runbook/page.ts');
    const page = await writeRunbook(context, configuration, { keep: !options.has('no-keep') });
    const text = options.has('html') ? renderHtml(page) : renderMarkdown(page);
    const file = options.text('out');
    if (file === undefined) output.result({ message_type: 'runbook', text }, () => text.trimEnd());
    else {
      const { writeFile } = await import('node:fs/promises');
      await writeFile(file, text, { mode: 0o600 });
      output.result({ message_type: 'runbook', file }, () => `written to ${file}`);
    }
    return exitStatus.done;
  },
};

async function printStored(context: CommandContext): Promise<ExitStatus> {
  const { readRunbooks } = await import('../../operations/runbook/keep-runbook.ts');
  const repository = await openRepository(context);
  try {
    const found = await readRunbooks(repository);
    if (found.length === 0)
      throw new HoldfastError('object-missing', { object: 'a runbook', location: repository.location, reason: 'none was kept there' });
    for (const text of found) context.output.result({ message_type: 'runbook', text }, () => text.trimEnd());
    return exitStatus.done;
  } finally {
    await repository.close();
  }
}
