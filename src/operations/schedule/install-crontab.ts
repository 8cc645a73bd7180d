/** Puts the lines of an application into the crontab of whoever runs this, and takes them out. The rest of it stays as it is. */
import { mkdir } from 'node:fs/promises';
import { HoldfastError } from '../../errors.ts';
import { findInCrontab, mergeCrontab, type CrontabChoice } from './as-crontab.ts';
import type { OuterSchedule } from './outer-schedule.ts';
import { runTool, runToolWell, type ToolContext } from './run-tool.ts';

/** @param lines as `asCrontab` writes them */
export async function installCrontab(
  schedule: OuterSchedule,
  lines: string,
  { lockFolder }: Pick<CrontabChoice, 'lockFolder'>,
  context: ToolContext,
): Promise<void> {
  const crontab = await readCrontab(schedule.slug, context);
  await mkdir(lockFolder, { recursive: true, mode: 0o700 });
  await writeCrontab(mergeCrontab(crontab.text, schedule.slug, lines), context);
}

/** Whether there was something to take out. */
export async function removeCrontab(slug: string, context: ToolContext): Promise<boolean> {
  const { text, found } = await readCrontab(slug, context);
  if (found === 'none') return false;
  const rest = mergeCrontab(text, slug, '');
  if (rest.trim() === '') await runToolWell('crontab', ['-r'], context);
  else await writeCrontab(rest, context);
  return true;
}

/** Throws `schedule-tool`, and `schedule-form` where its marks are not whole. */
export async function readCrontab(
  slug: string,
  context: ToolContext,
): Promise<{ readonly text: string; readonly found: 'none' | 'whole' }> {
  const { status, stdout, stderr } = await runTool('crontab', ['-l'], context);
  if (status !== 0 && !/^no crontab for/m.test(stderr)) throw new HoldfastError('schedule-tool', { tool: 'crontab -l', reason: stderr });
  const text = status === 0 ? stdout : '';
  const found = findInCrontab(text, slug);
  if (found !== 'torn') return { text, found };
  const reason = `the lines between "# begin ${slug}" and "# end ${slug}" are not whole`;
  throw new HoldfastError('schedule-form', { form: 'crontab', reason, remedy: 'Put both marks right, or remove them, with: crontab -e' });
}

async function writeCrontab(text: string, context: ToolContext): Promise<void> {
  await runToolWell('crontab', ['-'], context, text);
}
