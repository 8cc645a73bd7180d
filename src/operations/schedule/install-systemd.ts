/** Writes units, turns their timers on, and takes them away again. */
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HoldfastError, reasonOf } from '../../errors.ts';
import { asSystemd, unitMark, type SystemdChoice } from './as-systemd.ts';
import type { OuterSchedule } from './outer-schedule.ts';
import { runToolWell, type ToolContext } from './run-tool.ts';

export interface UnitPlace {
  readonly scope: 'system' | 'user';
  /** Where the units go. */
  readonly folder: string;
  /** Another system than the running one, such as an image that is made: its root. */
  readonly root?: string;
}

export interface InstalledUnits {
  /** Names of the timers. */
  readonly timers: readonly string[];
  /** They fire from now on, and not only from the next start of the machine. */
  readonly running: boolean;
}

export async function installSystemd(
  schedule: OuterSchedule,
  choice: SystemdChoice,
  place: UnitPlace,
  context: ToolContext,
): Promise<InstalledUnits> {
  const files = asSystemd(schedule, choice);
  const names = new Set(files.map(({ name }) => name));
  const timers = files.flatMap(({ name }) => (name.endsWith('.timer') ? [name] : []));
  try {
    await mkdir(place.folder, { recursive: true });
    const gone = (await findUnits(schedule, place.folder)).filter((name) => !names.has(name));
    await dropUnits(gone, place, context);
    for (const { name, text } of files) await writeFile(join(place.folder, name), text, { mode: 0o644 });
  } catch (error) {
    throw asUnitError(error, place.folder);
  }
  const running = isRunning(place);
  if (running) await systemctl(['daemon-reload'], place, context);
  if (timers.length > 0) await systemctl(['enable', ...(running ? ['--now'] : []), ...timers], place, context);
  return { timers, running };
}

/** The units that were removed. */
export async function removeSystemd(
  schedule: Pick<OuterSchedule, 'slug'>,
  place: UnitPlace,
  context: ToolContext,
): Promise<readonly string[]> {
  try {
    const found = await findUnits(schedule, place.folder);
    await dropUnits(found, place, context);
    if (found.length > 0 && isRunning(place)) await systemctl(['daemon-reload'], place, context);
    return found;
  } catch (error) {
    throw asUnitError(error, place.folder);
  }
}

/** Names of the units of an application in a folder. */
export async function findUnits(schedule: Pick<OuterSchedule, 'slug'>, folder: string): Promise<string[]> {
  if (!existsSync(folder)) return [];
  const names = (await readdir(folder)).filter((name) => name.startsWith(`${schedule.slug}-`) && /\.(?:service|timer)$/.test(name));
  const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')));
  return names.filter((_, index) => texts[index]?.startsWith(`${unitMark(schedule)}\n`) === true);
}

async function dropUnits(names: readonly string[], place: UnitPlace, context: ToolContext): Promise<void> {
  const timers = names.filter((name) => name.endsWith('.timer'));
  if (timers.length > 0) await systemctl(['disable', ...(isRunning(place) ? ['--now'] : []), ...timers], place, context);
  for (const name of names) await rm(join(place.folder, name), { force: true });
}

function isRunning({ root }: UnitPlace): boolean {
  return root === undefined && existsSync('/run/systemd/system');
}

async function systemctl(words: readonly string[], { scope, root }: UnitPlace, context: ToolContext): Promise<void> {
  const where = root === undefined ? (scope === 'user' ? ['--user'] : []) : ['--root', root];
  await runToolWell('systemctl', [...where, ...words], context);
}

function asUnitError(error: unknown, folder: string): unknown {
  if (error instanceof HoldfastError) return error;
  const remedy = 'Run it as somebody who may write there, or print the units with: holdfast schedule print --as systemd --out DIR';
  return new HoldfastError('schedule-form', { form: 'systemd', reason: `${folder}: ${reasonOf(error)}`, remedy }, error);
}
