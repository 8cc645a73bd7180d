/** Code is checked out, templates are written, and what has no place to go back to is read whole. */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { DrillRun, DrillTimer, PlannedComponent, RestoreFindings } from './drill-run.ts';
import { openProvedTree, proveAll, type ProvedTree } from './proved-tree.ts';

/** The saved commit, from where it will come when it is needed. Throws git's errors. */
export async function drillCode(run: DrillRun, component: PlannedComponent, timer: DrillTimer): Promise<RestoreFindings> {
  const { tools, context } = run;
  const proved = openProvedTree(run, component);
  const folder = await makeFolder(run, component);
  const { createCodeSource } = await import('../../sources/code/code-source.ts');
  const source = createCodeSource({ component: component.name, path: folder, environment: tools.context.environment });
  const { facts } = await timer.time('check out', () => source.restore(proved.tree, { folder }, context));
  const findings = await readRest(proved, timer);
  return { ...findings, remarks: [`commit ${String(facts['commit'] ?? '')}`] };
}

/** Blanks for secrets are left blank: nobody's secrets are asked for. */
export async function drillTemplates(run: DrillRun, component: PlannedComponent, timer: DrillTimer): Promise<RestoreFindings> {
  const { context, tools } = run;
  const proved = openProvedTree(run, component);
  const folder = await makeFolder(run, component);
  const { createConfigSource } = await import('../../sources/config/config-source.ts');
  const source = createConfigSource({ component: component.name, folder, files: [], secrets: 'template' });
  const { facts } = await timer.time('restore', () => source.restore(proved.tree, { folder, values: tools.context.environment }, context));
  const findings = await readRest(proved, timer);
  const needs = facts['needs'];
  return {
    ...findings,
    compared: { ...findings.compared, files: Number(facts['files'] ?? 0) },
    remarks: needs === undefined ? [] : [`a recovery needs values for ${String(needs)}: templates hold no secrets`],
  };
}

/** Logs, and what a newer holdfast saved. */
export async function drillReading(run: DrillRun, component: PlannedComponent, timer: DrillTimer): Promise<RestoreFindings> {
  return readRest(openProvedTree(run, component), timer);
}

async function readRest(proved: ProvedTree, timer: DrillTimer): Promise<RestoreFindings> {
  await timer.time('read', () => proveAll(proved));
  return { bytes: proved.bytes(), compared: { streams: proved.proved(), bytes: proved.bytes() }, mismatches: [], remarks: [] };
}

async function makeFolder({ room, places }: DrillRun, { name }: PlannedComponent): Promise<string> {
  const folder = join(room.folder, `records-${room.next()}`);
  await mkdir(folder, { mode: 0o700 });
  room.onEnd(`the folder ${folder}`, () => rm(folder, { recursive: true, force: true }));
  places.folders.set(name, folder);
  return folder;
}
