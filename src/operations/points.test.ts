import { describe, expect, test } from 'vitest';
import type { LoadedSnapshot } from '../engine/snapshots/load-snapshots.ts';
import type { HoldfastEvent } from '../events.ts';
import { findPoint } from './find-point.ts';
import { planForget } from './forget-plan.ts';
import { withNeeded } from './point-needs.ts';
import { checkOwnTags, readTags, writeTags } from './point-tags.ts';
import { describePoint, groupPoints, type Point } from './points.ts';
import { planForgetThese } from './retention/forget-named.ts';

const idOf = (digit: string): string => digit.repeat(64);
const now = new Date('2026-11-20T12:00:00Z');

function snapshot(id: string, time: string, tags?: readonly string[], extra: Partial<LoadedSnapshot['snapshot']> = {}): LoadedSnapshot {
  return {
    id: idOf(id),
    snapshot: { time, tree: idOf('0'), paths: [`/${id}`], hostname: 'web1', ...(tags === undefined ? {} : { tags }), ...extra },
  };
}

const part = (component: string, point?: string, parts = 2): string[] =>
  writeTags({
    component,
    kind: component === 'files' ? 'files' : 'postgres',
    parts,
    own: ['nightly'],
    ...(point === undefined ? {} : { point: idOf(point) }),
  });

const nightly = [
  snapshot('a', '2026-11-18T02:00:00Z', part('database')),
  snapshot('b', '2026-11-18T02:00:00Z', part('files', 'a')),
  snapshot('c', '2026-11-19T02:00:00Z', part('database')),
  snapshot('d', '2026-11-19T02:00:00Z', part('files', 'c')),
];

describe('points', () => {
  test('hold the components of one run together, the first one first', () => {
    const [first, second] = groupPoints(
      [...nightly].reverse().toSorted((a, b) => Date.parse(a.snapshot.time) - Date.parse(b.snapshot.time)),
    );
    expect(first && describePoint(first)).toMatchObject({
      id: idOf('a'),
      components: ['database', 'files'],
      status: 'complete',
      tags: ['nightly'],
      size: null,
      proven: false,
      paths: ['/a', '/b'],
    });
    expect(second?.id).toBe(idOf('c'));
  });

  test('are partial where a component is missing', () => {
    const points = groupPoints(nightly.slice(0, 3));
    expect(points.map(({ status }) => status)).toEqual(['complete', 'partial']);
  });

  test('stay together when their first snapshot is gone, and after a copy under new ids', () => {
    expect(groupPoints([nightly[1] ?? snapshot('b', '')]).map(({ id, status }) => [id, status])).toEqual([[idOf('b'), 'partial']]);
    const copied = [
      snapshot('e', '2026-11-18T02:00:00Z', part('database'), { original: idOf('a') }),
      snapshot('f', '2026-11-18T02:00:00Z', part('files', 'a'), { original: idOf('b') }),
    ];
    expect(groupPoints(copied).map(({ components }) => components.length)).toEqual([2]);
  });

  test('are what restic makes, too', () => {
    const [point] = groupPoints([snapshot('9', '2026-11-18T02:00:00Z', ['mine'])]);
    expect(point && describePoint(point)).toMatchObject({ components: ['files'], status: 'complete', tags: ['mine'] });
  });

  test('tags survive being written and read', () => {
    expect(readTags(part('database', 'a', 3))).toEqual({
      component: 'database',
      kind: 'postgres',
      point: 'a'.repeat(16),
      parts: 3,
      own: ['nightly'],
    });
  });
});

describe('a point is found', () => {
  const points = groupPoints(nightly);
  const find = (name: string, component?: string): string[] =>
    findPoint(points, { name, now, ...(component === undefined ? {} : { component }) }).components.map(({ id }) => id[0] ?? '');

  test('by latest, with or without a component', () => {
    expect(find('latest')).toEqual(['c', 'd']);
    expect(find('latest:files')).toEqual(['d']);
    expect(find('latest', 'database')).toEqual(['c']);
    expect(findPoint(groupPoints(nightly.slice(0, 3)), { name: 'latest:files', now }).components.map(({ id }) => id)).toEqual([idOf('b')]);
  });

  test('by its id, and a component by its own', () => {
    expect(find('aaaa')).toEqual(['a', 'b']);
    expect(find('bbbb')).toEqual(['b']);
  });

  test('by a time, which means the newest at or before it', () => {
    expect(find('2026-11-18 23:00')).toEqual(['a', 'b']);
    expect(find('today')).toEqual(['c', 'd']);
    expect(find('yesterday 23:59')).toEqual(['c', 'd']);
    expect(() => find('2026-11-17')).toThrow(/older|old/);
  });

  test('and a notice tells which one a time has chosen, but no other name', () => {
    const told: unknown[] = [];
    for (const name of ['yesterday', 'latest', 'latest:files', 'aaaa'])
      findPoint(points, { name, now, events: (event) => told.push(event) });
    expect(told).toEqual([{ type: 'notice', message: expect.stringMatching(/^"yesterday" is the point cccccccc of 2026-11-/) as string }]);
  });

  test('or the reason why not says what there is', () => {
    expect(() => find('latest:uploads')).toThrow(/no point has a component "uploads"; there are database, files/);
    expect(() => find('bbbb', 'database')).toThrow(/no component "database"/);
    expect(() => find('ffff')).toThrow(/no id begins so/);
    expect(() => find('next')).toThrow(/no id, no time/);
  });
});

describe('forgetting', () => {
  const pathedSnapshots = nightly.map((each) => ({
    ...each,
    snapshot: { ...each.snapshot, paths: [each.snapshot.tags?.includes('component:files') === true ? '/up' : '/postgres/app'] },
  }));
  const pathed = groupPoints(pathedSnapshots);
  const points = groupPoints(nightly);
  const byDefault = { host: true, paths: true };
  const idsOf = (planned: readonly { readonly point: Point }[]): string[] => planned.map(({ point }) => point.id[0] ?? '');

  test('takes and leaves whole points', () => {
    const plan = planForget(pathed, { policy: { last: 1 }, by: byDefault, now });
    expect(plan.groups).toHaveLength(1);
    expect(plan.groups[0]?.key).toEqual({ host: 'web1', paths: ['/postgres/app', '/up'], components: ['database', 'files'] });
    expect(plan.remove).toEqual([idOf('a'), idOf('b')]);
    expect(plan.keep).toEqual([idOf('c'), idOf('d')]);
    expect(planForget(pathed, { policy: { daily: 2 }, by: byDefault, now }).remove).toEqual([]);
  });

  test('leaves a point of two components whole when one of them was saved again alone', () => {
    const alone = groupPoints([
      ...pathedSnapshots.slice(0, 2),
      snapshot('e', '2026-11-20T02:00:00Z', part('files', undefined, 1), { paths: ['/up'] }),
    ]);
    expect(planForget(alone, { policy: { last: 1 }, by: byDefault, now })).toMatchObject({
      remove: [],
      keep: [idOf('a'), idOf('b'), idOf('e')],
    });
    // In one group, too, because it has the newest database.
    const together = planForget(alone, { policy: { last: 1 }, by: {}, now });
    expect(together.remove).toEqual([]);
    expect(together.groups[0]?.keep.map(({ reasons }) => reasons)).toEqual([['last snapshot'], ['newest of its component']]);
  });

  test('keeps components of one path and several names apart, and groups by tags that people gave', () => {
    const twins = groupPoints([
      snapshot('1', '2026-11-18T02:00:00Z', part('files', undefined, 1), { paths: ['/up'] }),
      snapshot('2', '2026-11-19T02:00:00Z', part('uploads', undefined, 1), { paths: ['/up'] }),
    ]);
    expect(planForget(twins, { policy: { last: 1 }, by: byDefault, now }).groups).toHaveLength(2);
    expect(planForget(pathed, { policy: { last: 1 }, by: { tags: true }, now }).groups).toHaveLength(1);
  });

  test('takes snapshots of restic one by one', () => {
    const theirs = groupPoints([
      snapshot('1', '2026-11-18T02:00:00Z', undefined, { paths: ['/up'] }),
      snapshot('2', '2026-11-19T02:00:00Z', undefined, { paths: ['/up'] }),
    ]);
    const plan = planForget(theirs, { policy: { last: 1 }, by: byDefault, now });
    expect([idsOf(plan.groups[0]?.keep ?? []), idsOf(plan.groups[0]?.remove ?? [])]).toEqual([['2'], ['1']]);
  });

  test('of named points keeps the last of a component unless forced', () => {
    const [first, second] = points;
    const all = [...(first?.components ?? []), ...(second?.components ?? [])];
    expect(planForgetThese(points, first?.components ?? [], false).remove).toEqual([idOf('a'), idOf('b')]);
    expect(() => planForgetThese(points, all, false)).toThrow(/it is the last one of the component/);
    expect(planForgetThese(points, all, true).remove).toHaveLength(4);
  });
});

describe('what others need', () => {
  const chained = (needs: readonly string[], over: Partial<Parameters<typeof writeTags>[0]> = {}): string[] =>
    writeTags({ component: 'base', kind: 'postgres-base', parts: 1, own: [], needs: needs.map(idOf), ...over });
  const base = { paths: ['/postgres'] };
  // a is full, b and c build on it; d is full, e builds on it.
  const chain = [
    snapshot('a', '2026-11-14T02:00:00Z', chained([]), base),
    snapshot('b', '2026-11-15T02:00:00Z', chained(['a']), base),
    snapshot('c', '2026-11-16T02:00:00Z', chained(['a', 'b']), base),
    snapshot('d', '2026-11-17T02:00:00Z', chained([]), base),
    snapshot('e', '2026-11-18T02:00:00Z', chained(['d']), base),
  ];
  const points = groupPoints(chain);
  const by = { host: true, paths: true };
  const letters = (ids: readonly string[]): string => ids.map((id) => id.charAt(0)).join('');
  const reasonsOf = (plan: ReturnType<typeof planForget>): string[] =>
    plan.groups.flatMap(({ keep }) => keep.map(({ point, reasons }) => `${point.id.charAt(0)}: ${reasons.join(', ')}`));
  const pick = (names: string): Point['components'][number][] =>
    points.flatMap(({ components }) => components.filter(({ id }) => names.includes(id.charAt(0))));

  test('is in its tags, and a user cannot write such a one', () => {
    expect(chained(['a', 'b', 'a']).filter((tag) => tag.startsWith('needs:'))).toEqual([
      `needs:${'a'.repeat(16)}`,
      `needs:${'b'.repeat(16)}`,
    ]);
    expect(readTags(chained(['a', 'b'])).needs).toEqual(['a'.repeat(16), 'b'.repeat(16)]);
    expect(readTags(chained([]))).not.toHaveProperty('needs');
    expect(() => checkOwnTags(['needs:1234'])).toThrow(/holdfast uses itself/);
  });

  test('and is gone makes a point broken, and what builds on that; whoever does not name it means another', () => {
    const stepwise = groupPoints([
      snapshot('0', '2026-11-13T02:00:00Z', chained([]), base),
      ...chain.slice(1, 2),
      snapshot('c', '2026-11-16T02:00:00Z', chained(['b']), base),
    ]);
    expect(stepwise.map(({ status }) => status)).toEqual(['complete', 'broken', 'broken']);
    expect(stepwise.map((point) => describePoint(point))[2]?.reason).toBe(
      `base cannot be restored: it builds on the snapshot ${'a'.repeat(16)}, gone or unreadable`,
    );
    const notices: string[] = [];
    const events = (event: HoldfastEvent): void => void (event.type === 'notice' && notices.push(event.message));
    const find = (name: string, among = stepwise): string => letters([findPoint(among, { name, now, events }).point.id]);
    expect([find('latest'), find('latest:base'), find('2026-11-15 12:00'), find('cccc')]).toEqual(['0', '0', '0', 'c']);
    expect(notices[0]).toMatch(/^The point cccccccc is passed over: base cannot be restored/);
    // Where there is no other, its restore says why it cannot be.
    expect(find('latest', stepwise.slice(1))).toBe('c');
  });

  test('stays, with the reason', () => {
    const plan = planForget(points, { policy: { last: 3 }, by, now });
    expect(reasonsOf(plan)).toEqual([
      'e: last snapshot',
      'd: last snapshot',
      'c: last snapshot',
      'b: needed by cccccccc',
      'a: needed by cccccccc',
    ]);
    expect([letters(plan.keep), plan.remove]).toEqual(['edcba', []]);
    const two = planForget(points, { policy: { last: 1 }, by, now });
    expect([reasonsOf(two), letters(two.remove)]).toEqual([['e: last snapshot', 'd: needed by eeeeeeee'], 'cba']);
  });

  test('stays also where it is needed by what was not asked about, or only by way of another', () => {
    const [a, b, c, ...others] = points;
    if (a === undefined || b === undefined || c === undefined) throw new TypeError('five points were made');
    expect(letters(planForget([a, b], { policy: { last: 1 }, by, now, others: [c] }).keep)).toBe('bac');
    const stepwise = groupPoints([
      ...chain.slice(0, 2),
      snapshot('c', '2026-11-16T02:00:00Z', chained(['b']), base),
      snapshot('f', '2026-11-19T02:00:00Z', chained([]), base),
    ]);
    expect(reasonsOf(planForget(stepwise, { policy: { last: 2 }, by, now }))).toEqual([
      'f: last snapshot',
      'c: last snapshot',
      'b: needed by cccccccc',
      'a: needed by bbbbbbbb',
    ]);
    expect(others).toHaveLength(2);
  });

  test('stays as a whole point, and then so does what its other components need', () => {
    const whole = groupPoints([
      snapshot('a', '2026-11-14T02:00:00Z', chained([], { parts: 2 })),
      snapshot('1', '2026-11-14T02:00:00Z', chained(['2'], { component: 'other', point: idOf('a'), parts: 2 })),
      snapshot('2', '2026-11-13T02:00:00Z', chained([], { component: 'other' })),
      snapshot('b', '2026-11-15T02:00:00Z', chained(['a'])),
      snapshot('3', '2026-11-16T02:00:00Z', chained([], { component: 'other' })),
    ]);
    const plan = planForget(whole, { policy: { last: 1 }, by: {}, now });
    expect(letters(plan.keep)).toBe('3ba12');
    expect(plan.remove).toEqual([]);
  });

  test('is not forgotten by name, unless all that need it go too', () => {
    const refused = (names: string, force = false): string => {
      try {
        return letters(planForgetThese(points, pick(names), force).remove);
      } catch (error) {
        return error instanceof Error ? error.message : '';
      }
    };
    expect(refused('a')).toBe('Cannot forget point aaaaaaaa: it is needed to restore bbbbbbbb, cccccccc.');
    expect(refused('ab')).toMatch(/it is needed to restore cccccccc\.$/);
    expect(refused('d', true)).toMatch(/dddddddd: it is needed to restore eeeeeeee\.$/);
    expect([refused('abc'), refused('c'), refused('bc')]).toEqual(['abc', 'c', 'bc']);
  });

  test('is found under the id that it had before it was copied, and circles end', () => {
    const copied = groupPoints([
      snapshot('1', '2026-11-14T02:00:00Z', chained([]), { ...base, original: idOf('a') }),
      snapshot('2', '2026-11-15T02:00:00Z', chained(['a']), { ...base, original: idOf('b') }),
    ]);
    expect(reasonsOf(planForget(copied, { policy: { last: 1 }, by, now }))).toEqual(['2: last snapshot', '1: needed by 22222222']);
    expect(() => planForgetThese(copied, copied[0]?.components ?? [], false)).toThrow(/needed to restore 22222222/);
    const circle = groupPoints([
      snapshot('1', '2026-11-14T02:00:00Z', chained(['2']), base),
      snapshot('2', '2026-11-15T02:00:00Z', chained(['1', '2', '3']), base),
    ]);
    const all = circle.flatMap(({ components }) => components);
    const { snapshots: found, missing } = withNeeded(all.slice(1), all);
    expect([letters(found.map(({ id }) => id)), missing.map(({ names }) => names)]).toEqual(['12', [['3'.repeat(16)]]]);
    expect(letters(planForget(circle, { policy: { last: 1 }, by, now }).keep)).toBe('21');
  });

  test('does not put points into different groups', () => {
    expect(planForget(points, { policy: { last: 1 }, by: { tags: true }, now }).groups).toHaveLength(1);
  });
});
