/** What holds of every repository and every policy: what must stay stays, and no kept point loses what it needs. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { LoadedSnapshot } from '../../engine/snapshots/load-snapshots.ts';
import { isError } from '../../errors.ts';
import type { RetentionPolicy } from '../../policy/retention.ts';
import { planForget, type ForgetPlan, type RetentionRules } from '../forget-plan.ts';
import { nameSnapshots } from '../point-needs.ts';
import { isOwnPoint, safetyTag, type Point } from '../points.ts';
import type { Hold } from './holds.ts';
import { findHeld } from './holds.ts';
import { idOfRun, makeSnapshots, pointsOf, type MadeUpRun } from './testing/made-up-points.ts';

const start = Date.UTC(2025, 0, 1);
const now = new Date(start + 400 * 86_400_000);
const hosts = ['web1', 'web2'];
const sets = [['database', 'files'], ['database', 'files', 'config'], ['files'], ['base']];

const anyRun = fc.record({
  seconds: fc.oneof(
    fc.nat({ max: 400 * 86_400 }),
    fc.nat({ max: 30 }).map((day) => day * 86_400),
    fc.nat({ max: 500 * 86_400 }),
  ),
  host: fc.constantFrom(...hosts),
  components: fc.constantFrom(...sets),
  failed: fc.constantFrom([], [], [], ['database'], ['files']),
  chained: fc.boolean(),
  parent: fc.option(fc.nat({ max: 50 }), { nil: undefined }),
  manifest: fc.boolean(),
  tags: fc.constantFrom([], [], [], [safetyTag], ['nightly']),
});

/** Base backups build on the one before, where they are chained. */
const anyRuns = fc.array(anyRun, { minLength: 1, maxLength: 50 }).map((list) => {
  const sorted = list.toSorted((a, b) => a.seconds - b.seconds);
  const runs: MadeUpRun[] = [];
  for (const { seconds, chained, components, failed, parent, ...rest } of sorted) {
    const isBase = components.includes('base');
    const before = runs.findLastIndex((run) => run.components.includes('base') && run.host === rest.host);
    const chain = chained && isBase && before >= 0 ? [...(runs[before]?.needs ?? []), before] : [];
    runs.push({
      ...rest,
      application: 'app',
      time: new Date(start + seconds * 1000),
      components,
      failed: failed.filter((name) => components.length > 1 && components.includes(name)),
      needs: chain,
      ...(parent === undefined ? {} : { parent: parent % sorted.length }),
    });
  }
  return runs;
});

const anyCount = fc.nat({ max: 5 });
const anyPolicy: fc.Arbitrary<RetentionPolicy> = fc.record(
  { last: anyCount, daily: anyCount, weekly: anyCount, monthly: anyCount, within: fc.constantFrom('3d', '60d') },
  { requiredKeys: [] },
);
const anyRules = fc.record({
  policy: anyPolicy,
  by: fc.constantFrom({ host: true, paths: true }, { host: true }, {}, { host: true, paths: true, tags: true }),
  own: fc.option(fc.dictionary(fc.constantFrom('files', 'config', 'base'), anyPolicy), { nil: undefined }),
});

interface Judged {
  readonly snapshots: readonly LoadedSnapshot[];
  readonly points: readonly Point[];
  readonly plan: ForgetPlan;
}

function judge(
  snapshots: readonly LoadedSnapshot[],
  { policy, by, own }: typeof anyRules extends fc.Arbitrary<infer Value> ? Value : never,
  more: Partial<RetentionRules> = {},
): Judged | undefined {
  const points = pointsOf(snapshots);
  const components = own === undefined ? undefined : { application: 'app', policies: new Map(Object.entries(own)) };
  try {
    return { snapshots, points, plan: planForget(points, { policy, by, components, now, ...more }) };
  } catch (error) {
    expect(error).toSatisfy((thrown) => isError(thrown, 'usage'));
    return undefined;
  }
}

const runs = { numRuns: 300 };
const timeOf = ({ snapshot }: LoadedSnapshot): number => Date.parse(snapshot.time);

test('every snapshot stays or goes, once; of each component of each host the newest stays, and the newest in a whole point', () => {
  fc.assert(
    fc.property(anyRuns, anyRules, (history, rules) => {
      const judged = judge(makeSnapshots(history), rules);
      if (judged === undefined) return;
      const { plan, points, snapshots } = judged;
      expect([...plan.keep, ...plan.remove].toSorted()).toEqual(snapshots.map(({ id }) => id).toSorted());
      const kept = new Set(plan.keep);
      for (const host of hosts)
        for (const component of ['database', 'files', 'config', 'base']) {
          const all = points.flatMap((point) => point.components.map((each) => ({ ...each, point })));
          const of = all.filter(
            (each) =>
              each.tags.component === component &&
              each.snapshot.hostname === host &&
              timeOf(each) <= now.getTime() &&
              isOwnPoint(each.point),
          );
          for (const wanted of [of, of.filter(({ point }) => point.status === 'complete')]) {
            const newest = Math.max(...wanted.map(timeOf));
            if (wanted.length > 0) expect(wanted.some((each) => timeOf(each) === newest && kept.has(each.id))).toBe(true);
          }
        }
      for (const { id } of snapshots.filter((each) => timeOf(each) > now.getTime())) expect(kept.has(id)).toBe(true);
    }),
    runs,
  );
});

test('whatever stays has all that it needs, and the manifest of its point', () => {
  fc.assert(
    fc.property(anyRuns, anyRules, (history, rules) => {
      const judged = judge(makeSnapshots(history), rules);
      if (judged === undefined) return;
      const kept = new Set(judged.plan.keep);
      const named = nameSnapshots(judged.points.flatMap(({ components }) => components));
      for (const { components } of judged.points)
        for (const { id, tags } of components.filter((each) => kept.has(each.id))) {
          for (const need of tags.needs ?? []) expect(kept.has(named.get(need)?.id ?? id)).toBe(true);
          for (const manifest of components.filter((each) => each.tags.kind === 'point'))
            expect([kept.has(manifest.id), id]).toEqual([true, id]);
        }
    }),
    runs,
  );
});

test('planned again, what stays all stays', () => {
  fc.assert(
    fc.property(anyRuns, anyRules, (history, rules) => {
      const first = judge(makeSnapshots(history), rules);
      if (first === undefined) return;
      const kept = new Set(first.plan.keep);
      const again = judge(
        first.snapshots.filter(({ id }) => kept.has(id)),
        rules,
      );
      expect(again?.plan.remove ?? []).toEqual([]);
    }),
    runs,
  );
});

test('what is suspect displaces nothing: all stays that would stay without it', () => {
  fc.assert(
    fc.property(anyRuns, anyRules, fc.nat({ max: 50 }), (history, rules, from) => {
      const snapshots = makeSnapshots(history);
      const begins = history[from % history.length]?.time ?? now;
      const suspects = history.flatMap(({ time }, number) => (time >= begins ? [idOfRun(number, 'files')] : []));
      const suspect = new Map(suspects.map((id) => [id, 'files']));
      const judged = judge(snapshots, rules, { suspect });
      const plain = judge(snapshots, rules);
      if (judged === undefined || plain === undefined) return;
      const kept = new Set(judged.plan.keep);
      for (const id of plain.plan.keep) expect(kept.has(id)).toBe(true);
      // Without the points that have a suspect part, as if their runs had never been.
      const without = judge(
        judged.points.filter(({ components }) => !components.some(({ id }) => suspect.has(id))).flatMap(({ components }) => components),
        { ...rules, own: undefined },
      );
      if (without !== undefined && rules.own === undefined)
        for (const group of without.plan.groups)
          for (const { components, reasons } of group.keep)
            if (reasons.some((reason) => reason.endsWith(' snapshot')))
              for (const { id } of components) expect([id, kept.has(id)]).toEqual([id, true]);
      const again = judge(
        snapshots.filter(({ id }) => kept.has(id)),
        rules,
        { suspect },
      );
      expect(again?.plan.remove ?? []).toEqual([]);
    }),
    runs,
  );
});

test('what is held stays with all that it needs, what is locked waits, and so do the proven ones', () => {
  fc.assert(
    fc.property(anyRuns, anyRules, fc.nat({ max: 49 }), fc.nat({ max: 49 }), (history, rules, heldRun, lockedRun) => {
      const snapshots = makeSnapshots(history);
      const ofRun = (number: number): LoadedSnapshot[] => {
        const run = history[number % history.length];
        return snapshots.filter(({ id }) =>
          [...(run?.components ?? []), 'point'].some((component) => id === idOfRun(number % history.length, component)),
        );
      };
      const hold: Hold = {
        name: 'holds/x',
        snapshots: ofRun(heldRun)
          .slice(-1)
          .map(({ id }) => id.slice(0, 16)),
      };
      const held = findHeld(pointsOf(snapshots), [hold], now);
      const until = new Date(now.getTime() + 1);
      const locked = new Map(ofRun(lockedRun).map(({ id }) => [id, until]));
      const proven = new Set(ofRun(lockedRun + 1).map(({ id }) => id));
      const judged = judge(snapshots, rules, { held, locked, proven });
      if (judged === undefined) return;
      const kept = new Set(judged.plan.keep);
      for (const { id } of ofRun(heldRun)) expect(kept.has(id)).toBe(true);
      for (const id of locked.keys()) expect(kept.has(id)).toBe(true);
      for (const waiting of judged.plan.waiting) expect(waiting.components.some(({ id }) => locked.has(id))).toBe(true);
      const isOwn = judged.points.some((point) => isOwnPoint(point) && point.components.some(({ id }) => proven.has(id)));
      if (isOwn && ofRun(lockedRun + 1).every((each) => timeOf(each) <= now.getTime()))
        for (const id of proven) if (!id.startsWith(idOfRun((lockedRun + 1) % history.length, 'point'))) expect(kept.has(id)).toBe(true);
      const named = nameSnapshots(judged.points.flatMap(({ components }) => components));
      for (const { id, tags } of judged.points.flatMap(({ components }) => components).filter((each) => kept.has(each.id)))
        for (const need of tags.needs ?? []) expect(kept.has(named.get(need)?.id ?? id)).toBe(true);
    }),
    runs,
  );
});
