/** What makes an application's jobs run on this machine: the daemon, the crontab of this user, timers of systemd. */
import { existsSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Catalog } from '../../catalog/catalog.ts';
import type { Configuration } from '../../config/configuration.ts';
import { isError } from '../../errors.ts';
import { findDaemon } from '../jobs/daemon-holder.ts';
import { findJobsInCrontab } from '../schedule/as-crontab.ts';
import { readCrontab } from '../schedule/install-crontab.ts';
import { findUnits } from '../schedule/install-systemd.ts';
import type { OuterSchedule } from '../schedule/outer-schedule.ts';
import { runTool, type ToolContext } from '../schedule/run-tool.ts';
import { lockFolderOf, unitPlace } from '../schedule/write-schedule.ts';

export interface Runner {
  readonly kind: 'daemon' | 'cron' | 'systemd';
  /** For people: `the daemon (web1 process 4711)`. */
  readonly title: string;
  /** Jobs of the configuration that it does not have as they are now, by their titles. */
  readonly lacking: readonly string[];
  /** Why it does nothing, with what mends that. */
  readonly idle?: { readonly what: string; readonly remedy: string };
  /** Since when it has them, where that is known. */
  readonly since?: Date;
}

export interface RunnersQuestion {
  readonly configuration: Pick<Configuration, 'file'>;
  readonly schedule: OuterSchedule;
  /** Absent where this host's history cannot be read. */
  readonly catalog: Catalog | undefined;
  readonly stateFolder: string;
  readonly context: ToolContext;
}

export async function findRunners(question: RunnersQuestion): Promise<readonly Runner[]> {
  const { catalog, configuration } = question;
  const daemon = catalog === undefined ? undefined : findDaemon(catalog, configuration.file);
  const found = await Promise.all([findInCrontab(question), findTimers(question)]);
  return [
    ...(daemon === undefined ? [] : [{ kind: 'daemon' as const, title: `the daemon (${daemon})`, lacking: [] }]),
    ...found.filter((runner) => runner !== undefined),
  ];
}

async function findInCrontab({ schedule, stateFolder, context }: RunnersQuestion): Promise<Runner | undefined> {
  let text: string;
  try {
    const crontab = await readCrontab(schedule.slug, context);
    if (crontab.found === 'none') return undefined;
    text = crontab.text;
  } catch (error) {
    // Without cron there is no crontab either; who may not use it has none.
    if (isError(error, 'schedule-tool')) return undefined;
    throw error;
  }
  const there = new Set(findJobsInCrontab(text, schedule).map(({ id }) => id));
  const since = await bornAt(lockFolderOf({ stateFolder }));
  return {
    kind: 'cron',
    title: 'the crontab of this user',
    lacking: schedule.jobs.filter(({ id }) => !there.has(id)).map(({ title }) => title),
    ...((await isCronAtWork())
      ? {}
      : {
          idle: {
            what: 'cron does not run on this machine, so nothing of the crontab does',
            remedy: 'Start it:\nsystemctl enable --now cron',
          },
        }),
    ...(since === undefined ? {} : { since }),
  };
}

/** True where that cannot be known. */
async function isCronAtWork(): Promise<boolean> {
  const names = await readdir('/proc').catch(() => []);
  const pids = names.filter((name) => /^\d+$/.test(name));
  if (pids.length === 0) return true;
  const programs = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')));
  return programs.some((program) => /^(?:ana|f|d)?cron(?:d|ie)?\n?$/.test(program));
}

async function findTimers({ schedule, context }: RunnersQuestion): Promise<Runner | undefined> {
  const place = unitPlace({});
  const units = new Set(await findUnits(schedule, place.folder));
  if (units.size === 0) return undefined;
  const nameOf = (slug: string): string => `${schedule.slug}-${slug}.timer`;
  const wanted = schedule.jobs.filter(({ slug }) => units.has(nameOf(slug)));
  const first = wanted[0];
  const since = first === undefined ? undefined : await bornAt(join(place.folder, nameOf(first.slug)));
  const idle = await whyTimersRest(
    wanted.map(({ slug }) => nameOf(slug)),
    place.scope,
    context,
  );
  return {
    kind: 'systemd',
    title: 'timers of systemd',
    lacking: schedule.jobs.filter((job) => !wanted.includes(job)).map(({ title }) => title),
    ...(idle === undefined ? {} : { idle }),
    ...(since === undefined ? {} : { since }),
  };
}

async function whyTimersRest(timers: readonly string[], scope: 'system' | 'user', context: ToolContext): Promise<Runner['idle']> {
  if (!existsSync('/run/systemd/system'))
    return {
      what: 'there are timers of systemd for it, and systemd does not run here',
      remedy: 'Use the crontab, or the daemon:\nholdfast schedule install --as crontab\nholdfast serve',
    };
  const user = scope === 'user' ? ['--user'] : [];
  const resting: string[] = [];
  for (const timer of timers)
    if ((await runTool('systemctl', [...user, 'is-active', '--quiet', timer], context)).status !== 0) resting.push(timer);
  if (resting.length === 0) return undefined;
  const what = `${resting.length} of ${timers.length} timers are not active: ${resting.slice(0, 3).join(', ')}`;
  return { what, remedy: `Start them:\n${['systemctl', ...user, 'enable', '--now', ...resting].join(' ')}` };
}

async function bornAt(path: string): Promise<Date | undefined> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) return undefined;
  return found.birthtimeMs > 0 ? found.birthtime : found.mtime;
}
