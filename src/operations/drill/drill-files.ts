/** Files come back into a folder or a volume of the drill, are read again from the disk, and compared with the snapshot. */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { executeRestore } from '../../engine/restore/execute-restore.ts';
import { planRestore } from '../../engine/restore/plan-restore.ts';
import { HoldfastError, isError, reasonOf } from '../../errors.ts';
import type { EventSink } from '../../events.ts';
import { compareTree } from './compare-tree.ts';
import { isForgotten } from './drill-mark.ts';
import type { DrillRun, DrillTimer, PlannedComponent, RestoreFindings } from './drill-run.ts';

/** A folder of the snapshot, and the folder of the disk that its content goes into. */
interface Placement {
  readonly from: string;
  readonly to: string;
}

/** Files of this machine, and configuration that was saved whole: below a folder, with their whole paths. */
export async function drillFiles(run: DrillRun, component: PlannedComponent, timer: DrillTimer): Promise<RestoreFindings> {
  const to = join(run.room.folder, `files-${run.room.next()}`);
  await mkdir(to, { mode: 0o700 });
  run.room.onEnd(`the folder ${to}`, () => rm(to, { recursive: true, force: true }));
  run.places.folders.set(component.name, to);
  return restoreAndCompare(run, component, [{ from: '/', to }], timer);
}

/** Volumes of Docker into volumes of their own; into folders where there is no engine whose volumes can be written from here. */
export async function drillVolumes(run: DrillRun, component: PlannedComponent, timer: DrillTimer): Promise<RestoreFindings> {
  const roots = component.snapshot.snapshot.paths;
  let placements: Placement[] = [];
  try {
    for (const from of roots) placements.push({ from, to: await makeVolume(run) });
  } catch (error) {
    if (!(error instanceof HoldfastError) || !error.code.startsWith('docker-')) throw error;
    placements = [];
    const findings = await drillFiles(run, component, timer);
    return { ...findings, remarks: [`restored into a folder, since no volume could be made: ${reasonOf(error)}`, ...findings.remarks] };
  }
  const [first] = placements;
  if (first !== undefined) run.places.folders.set(component.name, first.to);
  return restoreAndCompare(run, component, placements, timer);
}

/** Its folder. Throws the Docker errors. */
async function makeVolume({ tools, mark, room }: DrillRun): Promise<string> {
  const docker = await tools.docker();
  const { findReadableVolumes } = await import('../../sources/docker/readable-volumes.ts');
  const name = mark.name(room.next());
  room.onEnd(`the volume ${name}`, () => docker.removeVolume(name));
  await docker.createVolume(name, { [drillLabel]: mark.text });
  const [volume] = await findReadableVolumes(docker, [name]);
  if (volume === undefined) throw new HoldfastError('docker-volume-missing', { volume: name, there: 'it was just made' });
  return volume.mountpoint;
}

/** What volumes and containers of drills are labelled with. */
export const drillLabel = 'holdfast.drill';

/** Takes away the volumes that drills of this host left. Their names. Throws the Docker errors. */
export async function sweepVolumes({ tools }: Pick<DrillRun, 'tools'>): Promise<string[]> {
  const docker = await tools.docker();
  const volumes = await docker.volumes(['holdfast_drill_*']).catch((error: unknown) => {
    if (isError(error, 'docker-volume-missing')) return [];
    throw error;
  });
  const swept: string[] = [];
  for (const { name, labels } of volumes) {
    if (labels[drillLabel] === undefined || !(await isForgotten(name))) continue;
    await docker.removeVolume(name);
    swept.push(`volume ${name}`);
  }
  return swept;
}

async function restoreAndCompare(
  run: DrillRun,
  { snapshot, saved }: PlannedComponent,
  placements: readonly Placement[],
  timer: DrillTimer,
): Promise<RestoreFindings> {
  const { repository, drill, context } = run;
  const mismatches: string[] = [];
  const watched = { ...context, events: collectProblems(context.events, mismatches) };
  const sums = { files: 0, folders: 0, links: 0, verified: 0 };
  let bytes = 0;
  const reads = drill.compare === 'rows';
  const from = { id: snapshot.id, tree: snapshot.snapshot.tree, paths: snapshot.snapshot.paths };
  for (const placement of placements) {
    const where = placement.from === '/' ? {} : { subPath: placement.from };
    const summary = await timer.time('restore', async () => {
      const plan = await planRestore(repository, from, { target: placement.to, ...where, verify: reads }, watched);
      return executeRestore(repository, plan, watched);
    });
    bytes += summary.bytes;
    sums.verified += summary.verified;
    if (!reads) {
      sums.files += summary.files;
      continue;
    }
    const compared = await timer.time('compare', () => compareTree(repository, snapshot, placement, context.signal));
    mismatches.push(...compared.mismatches);
    for (const kind of ['files', 'folders', 'links'] as const) sums[kind] += compared[kind];
  }
  if (saved?.files !== undefined && saved.files !== sums.files)
    mismatches.push(`there are ${sums.files} files, and ${saved.files} were saved`);
  return { bytes, compared: { ...sums, bytes }, mismatches, remarks: [] };
}

/** What the restore could not make as it was. */
function collectProblems(events: EventSink, mismatches: string[]): EventSink {
  return (event) => {
    if (event.type === 'problem') mismatches.push(`${event.path}: ${event.reason}`);
    else events(event);
  };
}
