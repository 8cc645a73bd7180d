/** The drills of an example: they are proven, and nothing of them is left. */
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { expect } from 'vitest';
import { z } from 'zod';
import type { System } from './system.ts';

const reportSchema = z.looseObject({
  message_type: z.literal('drill_report'),
  verdict: z.string(),
  components: z.array(z.looseObject({ name: z.string(), verdict: z.string(), compared: z.record(z.string(), z.number()) })),
});

/** Does one, which must be proven. What was compared, by component. */
export async function proveDrill(system: System, name: string, ...words: string[]): Promise<Record<string, Record<string, number>>> {
  const { status, stdout, stderr } = await system.holdfast('drill', name, ...words, '--json');
  expect(status, `${stdout}${stderr}`).toBe(0);
  const line = stdout.split('\n').find((each) => each.includes('"drill_report"')) ?? '{}';
  const report = reportSchema.parse(JSON.parse(line));
  expect(report.verdict).toBe('proven');
  await expect.poll(() => whatIsLeft(system), { timeout: 60_000, interval: 1000 }).toEqual([]);
  return Object.fromEntries(report.components.map(({ name: component, compared }) => [component, compared]));
}

/** Of drills whose process is gone: other tests share the engine, and kill some of theirs, which are taken away a moment later. */
async function whatIsLeft(system: System): Promise<string[]> {
  const { docker } = system.docker;
  const lists = await Promise.all([
    docker(['ps', '-a', '--format', '{{.Names}}']),
    docker(['volume', 'ls', '-q']),
    docker(['network', 'ls', '--format', '{{.Name}}']),
  ]);
  const databases = await system.query('SELECT datname FROM pg_database', 'postgres');
  const notes = await readdir(`${system.environment['HOLDFAST_STATE'] ?? ''}/drills`).catch(() => []);
  const names = [...lists.flatMap((list) => list.split('\n')), ...databases.map(({ datname }) => String(datname)), ...notes];
  return names.filter(
    (name) =>
      name.startsWith('holdfast_drill') && !existsSync(`/proc/${/^holdfast_drill_[0-9a-f]{8}_(\d+)_/.exec(name)?.[1] ?? 'none'}/stat`),
  );
}
