import { expect, test } from 'vitest';
import type { PointRecord } from '../../operations/points.ts';
import { textOfPoints } from './print-points.ts';

const point = (components: string[], paths: string[]): PointRecord => ({
  id: 'a'.repeat(64),
  short_id: 'aaaaaaaa',
  time: '2026-01-01T00:00:00Z',
  host: 'web1',
  components,
  tags: [],
  size: 0,
  status: 'complete',
  proven: false,
  proven_components: [],
  snapshots: [],
  paths,
});

test.each([
  [['files'], ['/srv/a'], /unproven +\/srv\/a$/],
  [['files'], ['/srv/a', '/srv/b', '/srv/c'], /unproven +\/srv\/a \+2 more$/],
  [['uploads', 'point'], ['/srv/a', '/holdfast'], /unproven$/],
])('a line shows where a point is from, and not all of it: %s, %s', (components, paths, line) => {
  expect(textOfPoints([point(components, paths)]).split('\n')[1]).toMatch(line);
});
