import { readFile } from 'node:fs/promises';
import { describe, expect, test, vi } from 'vitest';
import { page, renderSimulations, simulate, withTable, years, type Simulation } from './simulate-retention.ts';
import { simulatedSystems } from './simulated-systems.ts';

vi.setConfig({ testTimeout: 300_000 });

const simulations: Simulation[] = [];

describe('ten years of every system', () => {
  test.each(simulatedSystems.map((system) => [system.name, system] as const))('%s: nothing is lost that must stay', (_, system) => {
    const simulation = simulate(system);
    simulations.push(simulation);
    expect(simulation.losses).toEqual([]);
    expect(simulation.yearEnds).toHaveLength(years);
    // Rules bound what is kept: it does not grow from year to year, but for what a wrong clock has dated.
    const counts = simulation.yearEnds
      .slice(typeof system.policy.yearly === 'number' ? system.policy.yearly : 1)
      .map(({ points, misdated }) => points - misdated);
    expect(Math.max(...counts)).toBeLessThanOrEqual(Math.min(...counts) + 25);
  });

  test('the table of docs/retention.md is not stale (node test/simulation/simulate-retention.ts writes it)', async () => {
    const text = await readFile(page, 'utf8');
    expect(withTable(text, renderSimulations(simulations))).toBe(text);
  });
});
