/** A base backup as a data directory: what increments changed is put together while it is written. */
import { HoldfastError } from '../../errors.ts';
import { baseLayout, tablespaceFolder } from '../../sources/postgres/physical/base-layout.ts';
import type { BaseManifest } from '../../sources/postgres/physical/base-manifest.ts';
import { createSyntheticFull } from '../../sources/postgres/physical/synthetic-full.ts';
import { openCapturedTree } from '../captured-tree.ts';
import { openBase, openChain, type StoredBase } from '../point-in-time/find-bases.ts';
import type { ArchiveItem } from './archive-item.ts';
import { shellWord } from '../../util/shell-word.ts';
import type { PlannedComponent } from './plan-items.ts';
import { listTarEntries } from './snapshot-entries.ts';
import { spoolUnsized } from './spool-unsized.ts';
import type { TarEntry } from './tar-stream.ts';

/** The data directory, and the tablespaces and the configuration that lie outside of it. Throws `snapshot-missing`, `damaged`. */
export async function planBase(component: PlannedComponent): Promise<ArchiveItem[]> {
  const { repository, snapshot, signal, stem } = component;
  const stored = await openBase(repository, { pointId: snapshot.id, snapshot }, signal);
  const chain = await openChain(repository, stored, signal);
  const { manifest } = stored;
  const item = (name: string, folder: string, size: number, recipe: ArchiveItem['recipe']): ArchiveItem => ({
    component: component.component,
    kind: 'postgres-base',
    name,
    size,
    compressed: true,
    recipe,
    content: { shape: 'folder', entries: () => entriesOf(component, chain, folder) },
    facts: { server: manifest.serverVersion, system: manifest.systemId, ended_at: manifest.endedAt, timeline: manifest.timeline },
  });
  const configuration =
    manifest.configuration.length === 0 ? [] : [item(`${stem}-config`, baseLayout.configuration, 0, ofConfiguration(manifest, stem))];
  return [
    ...manifest.tablespaces.map(({ oid, location }) =>
      item(`${stem}-tablespace-${oid}`, tablespaceFolder(oid), 0, ofTablespace(oid, location)),
    ),
    ...configuration,
    item(stem, baseLayout.data, manifest.bytes, ofData(manifest, stem)),
  ];
}

async function* entriesOf(
  component: PlannedComponent,
  chain: readonly StoredBase[],
  folder: string,
): AsyncGenerator<TarEntry, void, undefined> {
  const { repository, events, signal } = component;
  if (chain.length === 1) {
    yield* listTarEntries({ ...component, roots: [folder], base: folder });
    return;
  }
  const trees = chain.map(({ snapshot, manifest }) => ({
    snapshotId: snapshot.snapshot.original ?? snapshot.id,
    manifest,
    tree: openCapturedTree(repository, snapshot, signal),
  }));
  const capture = await createSyntheticFull({ component: component.component, chain: trees }).capture({ events, signal });
  if (capture.shape !== 'streams') throw new HoldfastError('internal', { reason: 'a base backup is no tree' });
  yield* spoolUnsized(capture.entries, folder);
}

function ofData({ major, endedAt }: BaseManifest, stem: string): ArchiveItem['recipe'] {
  const folder = `"$TARGET"/${shellWord(stem)}`;
  return {
    title: `the whole PostgreSQL ${major} server, as of ${endedAt}`,
    notes: [
      `It is a data directory of PostgreSQL ${major}, with the log that it needs. It must belong to the user that runs the server: chown -R postgres ${folder}`,
      `Then start it: pg_ctl --pgdata=${folder} start`,
    ],
    commands: ({ unpack }) => [`mkdir -p ${folder}`, ...unpack(folder), `chmod 700 ${folder}`],
  };
}

function ofTablespace(oid: string, location: string): ArchiveItem['recipe'] {
  const folder = `"$TARGET"/tablespace-${oid}`;
  return {
    title: `tablespace ${oid} of that server`,
    notes: [
      `The server looks for it in ${location}: unpack it there instead of ${folder}, or name the other folder in the file tablespace_map of the data directory.`,
    ],
    commands: ({ unpack }) => [`mkdir -p ${folder}`, ...unpack(folder)],
  };
}

function ofConfiguration({ configuration }: BaseManifest, stem: string): ArchiveItem['recipe'] {
  const folder = `"$TARGET"/${shellWord(`${stem}-config`)}`;
  return {
    title: 'configuration of that server from outside its data directory',
    notes: configuration.map(({ path, stored }) => `${stored} was ${path}`),
    commands: ({ unpack }) => [`mkdir -p ${folder}`, ...unpack(folder)],
  };
}
