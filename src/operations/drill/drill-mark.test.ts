import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { createMark, isForgotten } from './drill-mark.ts';

const file = new URL('./drill-mark.ts', import.meta.url).href;

/** The marks of a process that is gone. */
function marksOfTheDead(): string[] {
  const script = `const { createMark } = await import('${file}'); const mark = await createMark(); console.log(mark.text + ' ' + mark.name(12))`;
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  return stdout.trim().split(' ');
}

test('what a process that is gone made is forgotten; what this one makes is not', async () => {
  const mark = await createMark();
  expect(await isForgotten(mark.text)).toBe(false);
  const dead = marksOfTheDead();
  expect(dead).toHaveLength(2);
  for (const name of dead) {
    expect(await isForgotten(name)).toBe(true);
    expect(name).toMatch(/^[a-z0-9_]{1,63}$/);
  }
  expect(dead[0]).not.toBe(dead[1]);
});

test('nothing that people named is taken for one, nor what another host made', async () => {
  const [name = ''] = marksOfTheDead();
  const other = (at: number): string => `${name.slice(0, at)}${name[at] === '0' ? '1' : '0'}${name.slice(at + 1)}`;
  for (const similar of [
    'holdfast_drill',
    'holdfast_drill_orders',
    `${name}_copy`,
    `my_${name}`,
    name.toUpperCase(),
    other(15),
    other(name.length - 1),
    name.replace(/_[0-9a-f]{8}$/, ''),
  ])
    expect([similar, await isForgotten(similar)]).toEqual([similar, false]);
});
