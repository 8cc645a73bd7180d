import { expect, test } from 'vitest';
import { measure, parseUsage, run } from './measure.ts';
import { cleanEnvironment } from './peers/peer.ts';

const env = cleanEnvironment('/nonexistent');

test('times of several commands add up, the peak is the highest, children count', async () => {
  const hungry = [
    process.execPath,
    '-e',
    'require("node:child_process").spawnSync(process.execPath, ["-e", "Buffer.alloc(300e6, 1)"])',
  ] as const;
  const small = await measure([{ argv: ['true'], env }]);
  const both = await measure([
    { argv: ['sleep', '0.3'], env },
    { argv: hungry, env },
  ]);
  expect(small.peakBytes).toBeLessThan(20e6);
  expect(both.peakBytes).toBeGreaterThan(300e6);
  expect(both.wallSeconds).toBeGreaterThanOrEqual(0.3);
  expect(both.cpuSeconds).toBeGreaterThan(0);
});

test('a command that fails is told with its words', async () => {
  await expect(measure([{ argv: ['sh', '-c', 'echo broken >&2; exit 3'], env }])).rejects.toThrow(/ended with status 3\. broken/);
  await expect(run([{ argv: ['/nonexistent/program'], env }])).rejects.toThrow(/Cannot run \/nonexistent\/program/);
});

test('a line of GNU time is read, anything else refused', () => {
  expect(parseUsage('1.50 2.25 0.25 2000\n')).toEqual({ wallSeconds: 1.5, cpuSeconds: 2.5, peakBytes: 2_048_000 });
  expect(() => parseUsage('real 1.5')).toThrow(/Cannot read the measurement/);
});
