import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { metricList } from './metric-list.ts';
import { renderMetrics } from './metrics.ts';
import { fullFacts } from './testing/full-facts.ts';
import { writeTextfile } from './write-textfile.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const names = new Set(metricList.map(({ name }) => name));
const lineOf = (text: string, metric: string): string[] => text.split('\n').filter((line) => line.startsWith(`${metric}{`));

describe('the text', () => {
  test('has every metric there is, in the form that Prometheus wants', async () => {
    const text = await renderMetrics(fullFacts);
    expect([...text.matchAll(/^# TYPE (\S+) gauge$/gm)].map(([, name]) => name)).toEqual([...names]);
    const judged = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' });
    expect(judged.stderr + judged.stdout).toBe('');
    expect(judged.status).toBe(0);
  });

  test('moments are seconds, yes and no are 1 and 0, and names of others stay inside their quotes', async () => {
    const text = await renderMetrics(fullFacts);
    const success = Date.UTC(2026, 10, 19, 2) / 1000;
    expect(lineOf(text, 'holdfast_backup_last_success_timestamp_seconds')).toEqual([
      `holdfast_backup_last_success_timestamp_seconds{application="shop",component="database"} ${success}`,
    ]);
    expect(lineOf(text, 'holdfast_backup_age_seconds')).toEqual([
      'holdfast_backup_age_seconds{application="shop",component="database"} 86400',
    ]);
    expect(lineOf(text, 'holdfast_backup_last_ok')).toEqual([
      'holdfast_backup_last_ok{application="shop",component="database"} 1',
      String.raw`holdfast_backup_last_ok{application="shop",component="uploads \"new\"\n"} 0`,
    ]);
    expect(lineOf(text, 'holdfast_objective_margin_seconds')).toEqual([
      'holdfast_objective_margin_seconds{application="shop",component="database",objective="rpo"} -3600',
      'holdfast_objective_margin_seconds{application="shop",component="",objective="rto"} 3300',
    ]);
  });

  test('leaves out what is not known, and what is no number', async () => {
    const text = await renderMetrics({
      version: '1',
      application: 'shop',
      at: fullFacts.at,
      repositories: [{ repository: 'r', dedupRatio: Number.NaN }],
    });
    expect([...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name)).toEqual([
      'holdfast_build_info',
      'holdfast_facts_timestamp_seconds',
      'holdfast_up',
    ]);
    expect(text).toContain('holdfast_up{application="shop"} 0');
  });

  test('names and labels keep the form of others', () => {
    for (const { name, labels } of metricList) {
      expect(name).toMatch(/^holdfast_[a-z]+(_[a-z]+)*$/);
      for (const label of labels) expect(label).not.toMatch(/^(job|instance|application)$/);
    }
    expect(names.size).toBe(metricList.length);
  });
});

describe('what is built upon them', () => {
  test('docs/metrics.md has them all, and no other', async () => {
    const page = await readFile(join(root, 'docs/metrics.md'), 'utf8');
    const rows = page.split('\n').filter((line) => line.startsWith('| `holdfast_'));
    expect(rows).toEqual(
      metricList.map(({ name, labels, help }) => `| \`${name}\` | ${labels.map((label) => `\`${label}\``).join(', ')} | ${help} |`),
    );
  });

  test('the rules are sound, fire and keep silent as their tests say, and ask only for metrics that exist', async () => {
    const folder = join(root, 'deploy/prometheus');
    for (const words of [
      ['check', 'rules', 'holdfast-alerts.yml'],
      ['test', 'rules', 'holdfast-alerts.test.yml'],
    ]) {
      const judged = spawnSync('promtool', words, { cwd: folder, encoding: 'utf8' });
      expect(judged.status, judged.stdout + judged.stderr).toBe(0);
    }
    const rules = await readFile(join(folder, 'holdfast-alerts.yml'), 'utf8');
    expect(unknownIn(rules)).toEqual([]);
    const tried = await readFile(join(folder, 'holdfast-alerts.test.yml'), 'utf8');
    expect(unknownIn(tried)).toEqual([]);
  });

  test('the dashboard is whole, its panels lie beside each other, and it asks only for metrics that exist', async () => {
    const text = await readFile(join(root, 'deploy/grafana/holdfast.json'), 'utf8');
    expect(unknownIn(text)).toEqual([]);
    const { panels } = dashboard.parse(JSON.parse(text));
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    const overlaps = panels.flatMap((a, index) =>
      panels.slice(index + 1).flatMap((b) => (overlap(a.gridPos, b.gridPos) ? [[a.title, b.title]] : [])),
    );
    expect(overlaps).toEqual([]);
    const expressions = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
    expect(expressions.length).toBeGreaterThan(25);
    // Grafana fills in its variables before it asks.
    const rules = {
      groups: [
        {
          name: 'panels',
          rules: expressions.map((expr, index) => ({ record: `panel_${index}`, expr: expr.replaceAll('$application', '.*') })),
        },
      ],
    };
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-panels-'));
    await writeFile(join(folder, 'rules.yml'), JSON.stringify(rules));
    const judged = spawnSync('promtool', ['check', 'rules', 'rules.yml'], { cwd: folder, encoding: 'utf8' });
    await rm(folder, { recursive: true, force: true });
    expect(judged.status, judged.stdout + judged.stderr).toBe(0);
  });

  const place = z.object({ x: z.number(), y: z.number(), w: z.number(), h: z.number() });
  const dashboard = z.object({
    uid: z.literal('holdfast'),
    panels: z.array(
      z.object({ id: z.number(), title: z.string(), gridPos: place, targets: z.array(z.object({ expr: z.string().min(1) })).default([]) }),
    ),
  });
  const overlap = (a: z.infer<typeof place>, b: z.infer<typeof place>): boolean =>
    a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
  const unknownIn = (text: string): string[] =>
    [...text.matchAll(/\bholdfast_[a-z_]+/g)].map(([name]) => name).filter((name) => !names.has(name));
});

describe('a textfile', () => {
  test('is whole, readable by others, and replaces the one before', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-textfile-'));
    const before = process.umask(0o077);
    try {
      const path = join(folder, 'holdfast.prom');
      await writeTextfile(path, 'a 1\n');
      await writeTextfile(path, 'a 2\n');
      expect(await readFile(path, 'utf8')).toBe('a 2\n');
      expect((await stat(path)).mode & 0o777).toBe(0o644);
      expect(await readdir(folder)).toEqual(['holdfast.prom']);
      await expect(writeTextfile(join(folder, 'metrics.txt'), '')).rejects.toMatchObject({ code: 'metrics-unwritable' });
      await expect(writeTextfile(join(folder, 'none', 'a.prom'), '')).rejects.toMatchObject({ code: 'metrics-unwritable' });
    } finally {
      process.umask(before);
      await rm(folder, { recursive: true, force: true });
    }
  });
});
