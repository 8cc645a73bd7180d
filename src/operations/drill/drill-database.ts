/** Dumps are restored into databases of their own, and their rows, sequences and large objects compared with what was counted in the dump's snapshot. */
import { HoldfastError, isError } from '../../errors.ts';
import { compareSequences } from '../../sources/postgres/sequences.ts';
import { readManifest, type PostgresManifest } from '../../sources/postgres/manifest.ts';
import { restoreDatabases } from '../../sources/postgres/restore.ts';
import type { PostgresServer } from '../../sources/postgres/server.ts';
import { type CapturedDatabase, listCapturedDatabases } from '../../sources/postgres/tree-layout.ts';
import { dropTemporary } from './drop-temporary.ts';
import type { DrillRun, DrillTimer, PlannedComponent, RestoreFindings } from './drill-run.ts';
import { openDrillServer, type DrillServer } from './drill-server.ts';
import { openProvedTree, proveAll, type ProvedTree } from './proved-tree.ts';

/** Throws the restore's errors: `postgres-restore-mismatch` where rows differ. */
export async function drillDatabase(run: DrillRun, component: PlannedComponent, timer: DrillTimer): Promise<RestoreFindings> {
  const proved = openProvedTree(run, component);
  const all = await listCapturedDatabases(proved.tree);
  if (all.length === 0) throw new HoldfastError('postgres-capture-missing', { reason: 'this point holds none' });
  const remarks: string[] = [];
  const mismatches: string[] = [];
  const sums = { databases: 0, tables: 0, rows: 0, sequences: 0 };
  let server: DrillServer | undefined;
  for (const captured of all) {
    const manifest = await readManifest(captured.manifest, proved.tree.read(captured.manifest));
    if (manifest.dump.only === 'data') {
      remarks.push(`the dump of ${manifest.database} holds only rows, which nothing can be made of alone: it was read and not restored`);
      continue;
    }
    server ??= await openDrillServer(run, component, manifest, timer);
    const one = { run, component, captured, manifest, proved, server, timer };
    const restored = await restoreOne(one);
    remarks.push(...restored.remarks);
    mismatches.push(...restored.mismatches);
    sums.databases += 1;
    sums.tables += manifest.dump.only === 'schema' ? 0 : manifest.tables.length;
    sums.rows += manifest.dump.only === 'schema' ? 0 : manifest.tables.reduce((sum, { rows }) => sum + rows, 0);
    sums.sequences += restored.sequences;
  }
  await timer.time('read', () => proveAll(proved));
  return { bytes: proved.bytes(), compared: { ...sums, streams: proved.proved() }, mismatches, remarks };
}

interface OneDatabase {
  readonly run: DrillRun;
  readonly component: PlannedComponent;
  readonly captured: CapturedDatabase;
  readonly manifest: PostgresManifest;
  readonly proved: ProvedTree;
  readonly server: DrillServer;
  readonly timer: DrillTimer;
}

async function restoreOne(one: OneDatabase): Promise<{ sequences: number; mismatches: readonly string[]; remarks: string[] }> {
  const { run, component, manifest, server, timer } = one;
  const { room, mark, places, drill } = run;
  const name = mark.name(room.next());
  const target = server.server.withDatabase(name);
  if (!server.isTemporary) room.onEnd(`the database ${name}`, () => dropTemporary(server.server, name));
  const remarks = await timer.time(`restore ${manifest.database}`, () => fill(one, name));
  const url = server.urlOf(name);
  const { password } = server;
  places.databases.push({
    component: component.name,
    server: target,
    name,
    ...(url === undefined ? {} : { url }),
    ...(password === undefined ? {} : { password }),
  });
  const { sequences } = manifest;
  if (drill.compare === 'none' || manifest.dump.only === 'schema') return { sequences: 0, mismatches: [], remarks };
  if (sequences === undefined) {
    const unknown = `where the sequences of ${manifest.database} stood is not known: the point is older than that, or they could not be read`;
    return { sequences: 0, mismatches: [], remarks: [...remarks, unknown] };
  }
  const compared = await timer.time(`compare ${manifest.database}`, () => compareSequences(target, sequences));
  return { ...compared, remarks };
}

/** Roles are only made on a server of the drill's own. */
async function fill({ run, manifest, proved, server, captured }: OneDatabase, into: string): Promise<string[]> {
  const { context } = run;
  // The restore looks for the captured database by the name of the server's own.
  const named: PostgresServer = server.server.withDatabase(manifest.database);
  const restore = (more: { readonly noOwner?: boolean; readonly roles?: boolean }) =>
    restoreDatabases({ server: named, from: proved.tree, request: { into, ...more }, context });
  const roles = server.isTemporary && captured.roles !== undefined;
  try {
    await restore(roles ? { roles } : {});
    return [];
  } catch (error) {
    if (!isError(error, 'postgres-role-missing') || manifest.dump.format === 'plain') throw error;
    await restore({ noOwner: true });
    return [`the role "${String(error.details['role'])}" is not on the server: owners and rights were left out`];
  }
}
