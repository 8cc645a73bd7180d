/**
 * The guides that the examples come from promise times, keep backups for so long, and test them so often. What they say is written down here, and held against
 * what the command line says of each holdfast.yaml. No server has to run for that.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { projectRoot } from '../../../scripts/run-program.ts';
import { parseLines, runHoldfast } from '../../../src/cli/testing/run-holdfast.ts';
import { parseStorageAddress } from '../../../src/storage/storage-address.ts';

vi.setConfig({ testTimeout: 120_000 });

const [minute, hour, day] = [60, 3600, 86_400];

interface Guide {
  readonly profile?: string;
  /** Saved before changes, on the same disk: it promises nothing. */
  readonly isByHand?: boolean;
  /** Seconds: what may be lost, how long it may take. `whole` is the application. */
  readonly objectives: Readonly<Record<string, { readonly rpo?: number; readonly rto?: number }>>;
  /** Components by when they are saved: the words of cron, seconds, or `on-change`. */
  readonly saved: Readonly<Record<string, readonly string[]>>;
  /** Of each repository, by its name. */
  readonly keep: Readonly<Record<string, object>>;
  /** Drills by when they are done; those with `full` bring up the whole application. */
  readonly drills: Readonly<Record<string, readonly string[]>>;
  readonly archives?: Readonly<Record<string, object>>;
}

const [weekly, monthly, quarterly, yearly] = ['0 0 * * 0', '0 0 1 * *', '0 0 1 1,4,7,10 *', '0 0 1 1 *'];

const guides: Readonly<Record<string, Guide>> = {
  // "Development: before major changes, 7 days, manual, local disk. Production: daily, automated, retention: 30 days (daily), 12 months (monthly)"; RTO < 1 hour, RPO < 24 hours; test restores weekly, a recovery monthly.
  'invoice-processor': {
    objectives: { whole: { rpo: 24 * hour, rto: hour } },
    saved: { '0 2 * * *': ['database', 'config', 'logs', 'code'] },
    keep: { backups: { daily: 30, monthly: 12 } },
    drills: { [weekly]: ['database', 'config'], [monthly]: ['everything'] },
    archives: { monthly: { schedule: 'monthly', file: 'one', keep: { monthly: 12 } } },
  },
  'invoice-processor, in production': {
    profile: 'production',
    objectives: { whole: { rpo: 24 * hour, rto: hour } },
    saved: { '0 2 * * *': ['database', 'config', 'logs', 'code'] },
    keep: { backups: { daily: 30, monthly: 12 }, offsite: { daily: 30, monthly: 12 } },
    drills: { [weekly]: ['database', 'config'], [monthly]: ['full'] },
    archives: { monthly: { schedule: 'monthly', file: 'one', keep: { monthly: 12 } } },
  },
  'invoice-processor, in development': {
    profile: 'development',
    isByHand: true,
    objectives: {},
    saved: {},
    keep: { backups: { within: '7d' } },
    drills: {},
  },
  // "RTO: 4 hours, RPO: 24 hours"; database at 2, files at 3 (UTC), configuration on every change; 30 days, 12 weeks, 12 months, 7 days on the local disk; tested monthly.
  'sme-receivable': {
    objectives: { whole: { rpo: 24 * hour, rto: 4 * hour }, database: { rpo: 24 * hour, rto: 4 * hour }, documents: { rpo: 24 * hour } },
    saved: { '0 2 * * * UTC': ['database', 'sessions'], '0 3 * * * UTC': ['documents', 'application'], 'on-change UTC': ['config'] },
    keep: { disk: { within: '7d' }, offsite: { daily: 30, weekly: 12, monthly: 12 } },
    drills: { [monthly]: ['database', 'sessions', 'documents'], [quarterly]: ['database-base'], [yearly]: ['full'] },
  },
  // It promises nothing in hours: a database saved daily, attachments weekly, 30 days, off-site, a restore tested monthly.
  'northstar-timesheet': {
    objectives: { database: { rpo: 24 * hour, rto: hour }, uploads: { rpo: 7 * day } },
    saved: { '0 2 * * *': ['database', 'code'], '0 3 * * 0': ['uploads'], 'on-change': ['config'] },
    keep: { local: { daily: 30, monthly: 12 }, offsite: { daily: 30, monthly: 12 } },
    drills: { [monthly]: ['database'], [quarterly]: ['everything'] },
  },
  // RTO: database 30 minutes, containers' data 1 hour, everything 2 hours; RPO: 24 hours, 1 hour for what is critical; 30 days, 12 weeks, 12 months, 7 years; archived monthly.
  'container-app': {
    objectives: {
      'whole': { rpo: 24 * hour, rto: 2 * hour },
      'database': { rpo: hour, rto: 30 * minute },
      'users': { rpo: 24 * hour, rto: hour },
      'app-data': { rpo: 24 * hour, rto: hour },
    },
    saved: { '1800': ['database'], '0 3 * * *': ['users', 'app-data'], 'on-change': ['config'] },
    keep: {
      local: { daily: 30, weekly: 12, monthly: 12, yearly: 7 },
      offsite: { daily: 30, weekly: 12, monthly: 12, yearly: 7 },
    },
    drills: { [monthly]: ['database'], [quarterly]: ['database', 'users', 'app-data'], [yearly]: ['full'] },
    archives: { monthly: { schedule: 'monthly', keep: { monthly: 12, yearly: 7 } } },
  },
  // The table of four rows; the log continuously, a full base backup weekly; configuration looked at every half hour; 7 days, 4 weeks, 12 months, 5 years.
  'bdc': {
    objectives: {
      whole: { rpo: hour, rto: 4 * hour },
      database: { rpo: 5 * minute, rto: hour },
      uploads: { rpo: hour, rto: 2 * hour },
      code: { rto: 30 * minute },
    },
    saved: { '0 2 * * *': ['database'], '1800': ['uploads'], 'on-change': ['config', 'code'] },
    keep: {
      local: { daily: 7, weekly: 4, monthly: 12, yearly: 5 },
      offsite: { daily: 7, weekly: 4, monthly: 12, yearly: 5 },
    },
    drills: { [monthly]: ['database', 'uploads'], [quarterly]: ['database-base'], [yearly]: ['full'] },
  },
};

let state: string;
beforeAll(async () => void (state = await mkdtemp(join(tmpdir(), 'holdfast-policies-'))));
afterAll(() => rm(state, { recursive: true, force: true }));

describe.each(Object.entries(guides))('%s', (title, guide) => {
  const name = title.split(',')[0] ?? '';
  const run = async (words: readonly string[]): Promise<Record<string, unknown>[]> => {
    const profile = guide.profile === undefined ? [] : ['--profile', guide.profile];
    const file = join(projectRoot, 'examples', name, 'holdfast.yaml');
    const { stdout, stderr } = await runHoldfast([...words, '-c', file, ...profile, '--json'], { env: { HOLDFAST_STATE: state } });
    expect(stdout, stderr).not.toBe('');
    return parseLines(stdout);
  };

  test('every objective of the guide is in the status, with its bound, and nothing else is promised', async () => {
    const [status] = await run(['status']);
    const { components, whole, drills } = statusSchema.parse(status);
    const shown = [...components, ...(whole === undefined ? [] : [{ name: 'whole', ...whole }])].flatMap(({ name: of, rpo, rto }) => {
      const bounds = {
        ...(rpo === undefined ? {} : { rpo: rpo.target_seconds }),
        ...(rto === undefined ? {} : { rto: rto.target_seconds }),
      };
      return Object.keys(bounds).length === 0 ? [] : [[of, bounds] as const];
    });
    expect(Object.fromEntries(shown)).toEqual(guide.objectives);
    // Nothing was saved or measured yet: both are said, and neither is called met.
    expect([...components, whole].flatMap((each) => [each?.rpo?.verdict, each?.rto?.verdict])).not.toContain('met');
    expect(drills).toHaveLength(Object.keys(guide.drills).length);
  });

  test('it is saved, checked, drilled and archived when the guide says', async () => {
    const jobs = (await run(['schedule'])).map((job) => jobSchema.parse(job));
    const backups = jobs.filter(({ kind }) => kind === 'backup').map((job) => [whenOf(job), job.components]);
    expect(Object.fromEntries(backups)).toEqual(guide.saved);
    const kinds = jobs.map(({ id }) => id);
    for (const repository of Object.keys(guide.keep))
      expect(kinds).toEqual(expect.arrayContaining([`prune:${repository}`, `check:${repository}`]));
    for (const archive of Object.keys(guide.archives ?? {}))
      expect(kinds).toEqual(expect.arrayContaining([`archive:${archive}`, `prune-archive:${archive}`]));
  });

  test('rules, drills and archives are those of the guide, something is off this machine, and somebody is told', async () => {
    const [record] = await run(['config', 'show']);
    const { configuration } = configurationSchema.parse(record);
    const { repositories, drills = {}, archives = {}, notify, components, objective } = configuration;
    expect(Object.fromEntries(Object.entries(repositories).map(([of, { keep }]) => [of, keep]))).toEqual(guide.keep);
    const done = Object.values(drills).map(({ schedule, kind, restore }) => [
      cronOf[schedule] ?? schedule,
      kind === 'full' ? ['full'] : (restore ?? ['everything']),
    ]);
    expect(Object.fromEntries(done)).toEqual(guide.drills);
    expect(archives).toMatchObject(guide.archives ?? {});
    expect(notify).not.toHaveLength(0);
    if (guide.isByHand === true) return;
    // Another disk in the examples, an address elsewhere where it is meant.
    const places = [...Object.values(repositories).map(({ url }) => url), ...Object.values(archives).map(({ to }) => to)];
    expect(places.some((place) => parseStorageAddress(place).scheme !== 'local' || place.startsWith('/mnt/offsite/'))).toBe(true);
    // What promises how soon it is back has a drill that measures it.
    const drilled = new Set(Object.values(drills).flatMap(({ restore }) => restore ?? Object.keys(components)));
    for (const [of, component] of Object.entries(components))
      if (component.objective?.rto !== undefined) expect([...drilled]).toContain(of);
    // Only with whole secrets does an application come up by itself: not of templates.
    if (objective?.rto !== undefined && title !== 'invoice-processor')
      expect(Object.values(drills).map(({ kind }) => kind)).toContain('full');
  });
});

const bound = z.object({ verdict: z.string(), target_seconds: z.number() }).optional();
const statusSchema = z.looseObject({
  components: z.array(z.looseObject({ name: z.string(), rpo: bound, rto: bound })),
  whole: z.looseObject({ rpo: bound, rto: bound }).optional(),
  drills: z.array(z.unknown()),
});
const jobSchema = z.looseObject({
  id: z.string(),
  kind: z.string(),
  components: z.array(z.string()),
  schedule: z.looseObject({
    cron: z.string().optional(),
    every_seconds: z.number().optional(),
    on_change: z.boolean(),
    timezone: z.string().optional(),
  }),
});
const configurationSchema = z.looseObject({
  configuration: z.looseObject({
    repositories: z.record(z.string(), z.looseObject({ url: z.string(), keep: z.unknown() })),
    components: z.record(z.string(), z.looseObject({ objective: z.looseObject({ rto: z.string().optional() }).optional() })),
    objective: z.looseObject({ rto: z.string().optional() }).optional(),
    drills: z
      .record(z.string(), z.looseObject({ schedule: z.string(), kind: z.string(), restore: z.array(z.string()).optional() }))
      .optional(),
    archives: z.record(z.string(), z.looseObject({ to: z.string() })).optional(),
    notify: z.array(z.unknown()),
  }),
});

const cronOf: Readonly<Record<string, string>> = { weekly, monthly, quarterly, yearly };

function whenOf({ schedule: { cron, every_seconds: seconds, on_change: onChange, timezone } }: z.infer<typeof jobSchema>): string {
  return `${onChange ? 'on-change' : (cron ?? seconds ?? '')}${timezone === undefined ? '' : ` ${timezone}`}`;
}
