import { describe, expect, test } from 'vitest';
import { planForget, type ForgetPlan, type RetentionRules } from '../forget-plan.ts';
import { safetyTag } from '../points.ts';
import { findHeld } from './holds.ts';
import { planForgetThese } from './forget-named.ts';
import { previewForget } from './preview.ts';
import { idOfRun, makePoints, type MadeUpRun } from './testing/made-up-points.ts';

const now = new Date('2026-06-20T12:00:00Z');
const by = { host: true, paths: true };
const at = (day: number, hour = 2): Date => new Date(Date.UTC(2026, 5, day, hour));
const run = (day: number, more: Partial<MadeUpRun> = {}): MadeUpRun => ({
  time: at(day),
  application: 'app',
  components: ['database', 'files'],
  manifest: true,
  ...more,
});

/** What stays of each run: `database files point`. */
function staying(runs: readonly MadeUpRun[], plan: ForgetPlan): string[] {
  return runs.map(({ components }, number) =>
    [...components, 'point'].filter((component) => plan.keep.includes(idOfRun(number, component))).join(' '),
  );
}

function plan(runs: readonly MadeUpRun[], rules: Partial<RetentionRules>): ForgetPlan {
  return planForget(makePoints(runs), { policy: { last: 1 }, by, now, ...rules });
}

describe('a component with rules of its own', () => {
  const runs = [run(11), run(12), run(13), run(14)];
  const rules = (own: object): Partial<RetentionRules> => ({
    policy: { last: 3 },
    components: { application: 'app', policies: new Map(Object.entries(own)) },
  });

  test('goes for itself, sooner or later than the rest, and the manifest stays as long as anything', () => {
    expect(staying(runs, plan(runs, rules({ files: { last: 1 } })))).toEqual([
      '',
      'database point',
      'database point',
      'database files point',
    ]);
    expect(staying(runs, plan(runs, rules({ files: { last: 9 } })))).toEqual([
      'files point',
      'database files point',
      'database files point',
      'database files point',
    ]);
  });

  test('leaves points that are as good as before, not partial ones', () => {
    const points = makePoints(runs);
    const first = planForget(points, { ...rules({ files: { last: 1 } }), policy: { daily: 3 }, by, now });
    const left = points
      .map((point) => ({ ...point, status: 'partial' as const, components: point.components.filter(({ id }) => first.keep.includes(id)) }))
      .filter(({ components }) => components.length > 0);
    const again = planForget(left, { ...rules({ files: { last: 1 } }), policy: { daily: 3 }, by, now });
    expect(again.remove).toEqual([]);
  });

  test('is meant only of this application', () => {
    const others = runs.map((each) => ({ ...each, application: 'another' }));
    expect(staying(others, plan(others, rules({ files: { last: 1 } })))[1]).toBe('database files point');
  });
});

describe('partial points', () => {
  test('are judged beside whole ones, and displace none', () => {
    const runs = [run(11), run(12), run(13, { failed: ['database'] }), run(14, { failed: ['database'] }), run(14, { time: at(14, 9) })];
    expect(staying(runs, plan(runs, { policy: { daily: 3 } }))).toEqual([
      'database files point',
      'database files point',
      'files point',
      '',
      'database files point',
    ]);
  });

  test('that are the newest do not make the newest whole one go', () => {
    const runs = [run(11), run(12), ...[13, 14, 15, 16, 17].map((day) => run(day, { failed: ['database'] }))];
    expect(staying(runs, plan(runs, { policy: { last: 1 } })).map((left) => left !== '')).toEqual([
      false,
      true,
      false,
      false,
      false,
      false,
      true,
    ]);
  });
});

test('two points of one second are two, and one of them fills the day, always the same', () => {
  const runs = [run(11), run(11), run(12)];
  const [one, other] = [plan(runs, { policy: { daily: 2 } }), plan(runs, { policy: { daily: 2 } })];
  expect(one.remove).toHaveLength(3);
  expect(one).toEqual(other);
});

test('what a restore saved does not stand in for a backup', () => {
  const runs = [
    run(11, { components: ['files'], manifest: false }),
    run(12, { components: ['files'], manifest: false, tags: [safetyTag] }),
  ];
  expect(plan(runs, { policy: { last: 1 } }).remove).toEqual([]);
});

describe('clocks', () => {
  const files = (day: number, more: Partial<MadeUpRun> = {}): MadeUpRun => run(day, { components: ['files'], manifest: false, ...more });

  test('that were behind: what they made stays until something newer comes', () => {
    const behind = [1, 2, 3].map((day) => files(day, { time: new Date(Date.UTC(2020, 0, day)), parent: 1 }));
    const runs = [files(10), files(11), ...behind];
    const rules = { policy: { within: '3d' } };
    expect(staying(runs, plan(runs, rules))).toEqual(['files', 'files', 'files', 'files', 'files']);
    const later = [...runs, files(15)];
    expect(staying(later, plan(later, rules))).toEqual(['', '', '', '', '', 'files']);
  });

  test('that are ahead, or behind on the machine that prunes: nothing of the future goes, or pushes anything out', () => {
    const runs = [files(10), files(11), files(12), files(1, { time: new Date('2036-01-01T00:00:00Z') })];
    expect(staying(runs, plan(runs, { policy: { last: 2 } }))).toEqual(['', 'files', 'files', 'files']);
    expect(plan(runs, { policy: { last: 1 }, now: new Date('2020-01-01T00:00:00Z') }).remove).toEqual([]);
  });
});

test('more than half, and more than ten, is large', () => {
  const runs = (count: number): MadeUpRun[] =>
    Array.from({ length: count }, (_, index) => run(1, { time: new Date(at(1).getTime() + index * 3_600_000) }));
  expect(plan(runs(11), { policy: { last: 1 } }).isLarge).toBe(false);
  expect(plan(runs(12), { policy: { last: 1 } }).isLarge).toBe(true);
  expect(plan(runs(30), { policy: { last: 15 } }).isLarge).toBe(false);
  expect(plan(runs(30), { policy: { last: 14 } }).isLarge).toBe(true);
});

test('a held point is not forgotten by name either, forced or not, nor by what it was called elsewhere', () => {
  const runs = [run(11), run(12)];
  const points = makePoints(runs);
  const held = findHeld(points, [{ name: 'holds/x', snapshots: [idOfRun(0, 'files').slice(0, 16)], reason: 'audit' }], now);
  expect(staying(runs, plan(runs, { held }))[0]).toBe('database files point');
  for (const force of [false, true])
    expect(() => planForgetThese(points, points[0]?.components ?? [], force, { held })).toThrow('it is held (audit).');
  expect(findHeld(points, [{ name: 'holds/x', snapshots: [idOfRun(0, 'files').slice(0, 16)], until: at(19) }], now).size).toBe(0);
});

test('a preview keeps what daily pruning would have left', () => {
  const runs = [run(11), run(12), run(13)];
  const rules = { policy: { daily: 7, monthly: 3 }, by, now };
  const { plan: planned, madeUp } = previewForget(makePoints(runs), rules, new Date('2026-12-31T00:00:00Z'));
  const kept = planned.groups.flatMap(({ keep }) => keep);
  expect(kept).toHaveLength(7 + 2);
  expect(kept.filter(({ point }) => !madeUp.has(point.id))).toHaveLength(0);
  expect(() => previewForget(makePoints(runs), rules, at(1))).toThrow(/hundred years/);
});
