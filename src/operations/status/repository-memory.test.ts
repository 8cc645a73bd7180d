import { expect, test } from 'vitest';
import { changesOf, findGone, remember, type RepositoryMemory, type SeenRepository } from './repository-memory.ts';

const day = 86_400_000;
const begin = Date.UTC(2026, 10, 1, 2);
const nights = (...numbers: number[]): number[] => numbers.map((number) => begin + number * day);
const seen = (captures: readonly number[], id = 'first', reach: Readonly<Record<string, number>> = {}): SeenRepository => ({
  name: 'local',
  id,
  captures,
  reach,
});
const at = (number: number): Date => new Date(begin + number * day + 3_600_000);
const kinds = (memory: RepositoryMemory): string[] => changesOf(memory, 'local').map(({ kind }) => kind);

const known = remember(undefined, seen(nights(0, 1, 2)), at(2), false);

test('what is seen first is as it should be, and so is what is added', () => {
  expect(kinds(known)).toEqual([]);
  expect(kinds(remember(known, seen(nights(0, 1, 2, 3)), at(3), false))).toEqual([]);
});

test('what holdfast deleted is no news', () => {
  expect(findGone(known, seen(nights(2, 3)))).toEqual(nights(0, 1));
  expect(kinds(remember(known, seen(nights(2, 3)), at(3), true))).toEqual([]);
});

test('what somebody else deleted is told for a week, or until it is back', () => {
  const gone = remember(known, seen(nights(0, 2, 3)), at(3), false);
  expect(changesOf(gone, 'local')).toMatchObject([{ kind: 'points-gone', severity: 'warning', since: at(3).toISOString() }]);
  expect(changesOf(gone, 'local')[0]?.sentence).toContain('2026-11-02 02:00');
  expect(kinds(remember(gone, seen(nights(0, 2, 3, 4)), at(4), false))).toEqual(['points-gone']);
  expect(kinds(remember(gone, seen(nights(0, 1, 2, 3, 4)), at(4), false))).toEqual([]);
  expect(kinds(remember(gone, seen(nights(0, 2, 3, 11)), at(11), false))).toEqual([]);
});

test('a deletion that is meant hides none that was not', () => {
  const gone = remember(known, seen(nights(0, 2, 3)), at(3), false);
  expect(kinds(remember(gone, seen(nights(2, 3, 4)), at(4), true))).toEqual(['points-gone']);
});

test('another repository in its place is told for a week, or until the old one is back', () => {
  const replaced = remember(known, seen(nights(3), 'second'), at(3), false);
  expect(changesOf(replaced, 'local')).toMatchObject([{ kind: 'repository-replaced', severity: 'critical' }]);
  expect(changesOf(replaced, 'local')[0]?.sentence).toContain('it has 1 snapshot, and the one that was there had 3 snapshots');
  expect(kinds(remember(replaced, seen(nights(3, 4), 'second'), at(4), false))).toEqual(['repository-replaced']);
  expect(kinds(remember(replaced, seen(nights(0, 1, 2, 4)), at(4), false))).toEqual([]);
  expect(kinds(remember(replaced, seen(nights(0, 2, 4)), at(4), false))).toEqual(['points-gone']);
  expect(kinds(remember(replaced, seen(nights(3, 11), 'second'), at(11), false))).toEqual([]);
});

test('a log that reaches less far than it did is told for a week, or until it reaches further', () => {
  const [far, less, further] = [begin + 3 * day, begin + 2 * day, begin + 3 * day + 1];
  const reaching = (reach: number): SeenRepository => seen(nights(0, 1, 2), 'first', { server: reach });
  const whole = remember(known, reaching(far), at(3), false);
  expect(kinds(whole)).toEqual([]);
  const lost = remember(whole, reaching(less), at(4), false);
  expect(changesOf(lost, 'local')).toMatchObject([
    { kind: 'log-lost', component: 'server', severity: 'critical', since: at(4).toISOString() },
  ]);
  expect(changesOf(lost, 'local')[0]?.sentence).toMatch(/2026-11-04 02:00.*2026-11-03 02:00/);
  expect(kinds(remember(lost, reaching(less + 1), at(5), false))).toEqual(['log-lost']);
  expect(kinds(remember(lost, reaching(further), at(5), false))).toEqual([]);
  expect(kinds(remember(lost, reaching(less), at(12), false))).toEqual([]);
  expect(kinds(remember(whole, reaching(less), at(4), true))).toEqual([]);
  expect(kinds(remember(whole, seen(nights(3), 'second', { server: less }), at(4), false))).toEqual(['repository-replaced']);
});
