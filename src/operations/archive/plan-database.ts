/** Databases as the files that pg_restore and psql read. */
import type { CapturedTree } from '../../sources/source.ts';
import { readManifest, type PostgresManifest } from '../../sources/postgres/manifest.ts';
import { listCapturedDatabases, type CapturedDatabase } from '../../sources/postgres/tree-layout.ts';
import type { ArchiveItem, Recipe } from './archive-item.ts';
import { shellWord } from '../../util/shell-word.ts';
import { fileWord } from './file-word.ts';
import type { PlannedComponent } from './plan-items.ts';
import { listTarEntries } from './snapshot-entries.ts';
import { storedFile } from './stored-file.ts';

/** The roles first, then each database. Throws `postgres-capture-missing`, `damaged`. */
export async function planDatabases(component: PlannedComponent): Promise<ArchiveItem[]> {
  const { tree, stem } = component;
  const captured = await listCapturedDatabases(tree);
  const databases: { readonly each: CapturedDatabase; readonly manifest: PostgresManifest }[] = [];
  for (const each of captured) databases.push({ each, manifest: await readManifest(each.manifest, tree.read(each.manifest)) });
  const roles = captured.find(({ roles: path }) => path !== undefined)?.roles;
  const dumps: ArchiveItem[] = [];
  for (const { each, manifest } of databases) {
    const name = databases.length === 1 ? stem : `${stem}-${fileWord(manifest.database)}`;
    dumps.push(await planDump(component, each, manifest, name));
  }
  return [...(roles === undefined ? [] : [await planRoles(component, roles)]), ...dumps];
}

async function planRoles({ component, tree, isOnly }: PlannedComponent, path: string): Promise<ArchiveItem> {
  const content = await storedFile(tree, path);
  return {
    component,
    kind: 'postgres',
    name: isOnly ? 'globals.sql' : `${fileWord(component)}-globals.sql`,
    size: content.size,
    content,
    compressed: false,
    recipe: {
      title: 'roles of the PostgreSQL server',
      notes: [
        'Roles that are there already are reported, and that is no failure. Passwords become those of then, also that of a superuser of the same name.',
      ],
      commands: ({ read }) => [`${read} | psql --no-psqlrc --quiet --dbname=postgres`],
    },
  };
}

async function planDump(
  component: PlannedComponent,
  each: CapturedDatabase,
  manifest: PostgresManifest,
  name: string,
): Promise<ArchiveItem> {
  const { database, server, tools, tables, takenAt, lsn, properties } = manifest;
  const about = { component: component.component, kind: 'postgres' } as const;
  const rows = tables.reduce((sum, table) => sum + table.rows, 0);
  const facts = {
    database,
    format: each.format,
    server: server.version,
    pg_dump: tools.pg_dump,
    taken_at: takenAt,
    lsn,
    owner: properties.owner,
    encoding: properties.encoding,
    tables: tables.length,
    rows,
    rows_by_table: Object.fromEntries(tables.map((table) => [`${table.schema}.${table.name}`, table.rows])),
  };
  const title = `PostgreSQL database "${database}" (${tables.length} tables, ${rows} rows, server ${server.version})`;
  switch (each.format) {
    case 'custom': {
      const content = await storedFile(component.tree, each.dump);
      return {
        ...about,
        name: `${name}.dump`,
        size: content.size,
        content,
        compressed: false,
        packs: true,
        facts,
        recipe: ofArchive(title, manifest),
      };
    }
    case 'plain': {
      const content = await storedFile(component.tree, each.dump);
      return { ...about, name: `${name}.sql`, size: content.size, content, compressed: true, facts, recipe: ofScript(title, manifest) };
    }
    case 'directory': {
      const entries = (): ReturnType<typeof listTarEntries> => listTarEntries({ ...component, roots: [each.dump], base: each.dump });
      const content = { shape: 'folder', entries } as const;
      const size = await sizeOf(component.tree, each.dump);
      return { ...about, name: `${name}-directory`, size, content, compressed: true, facts, recipe: ofDirectory(title, manifest) };
    }
  }
}

function ofArchive(title: string, { database, tools }: PostgresManifest): Recipe {
  return {
    title,
    notes: [
      `With pg_restore ${tools.pg_dump_major} or newer. It makes the database; where it is there already and empty, say --dbname=${shellWord(database)} instead of --create --dbname=postgres.`,
    ],
    commands: ({ read }) => [`${read} | pg_restore --exit-on-error --create --dbname=postgres`],
  };
}

function ofDirectory(title: string, { tools }: PostgresManifest): Recipe {
  return {
    title,
    notes: [`With pg_restore ${tools.pg_dump_major} or newer, by several connections at once.`],
    commands: ({ unpack }) => [
      'DUMP=$(mktemp -d)',
      ...unpack('"$DUMP"'),
      'pg_restore --exit-on-error --create --jobs=2 --dbname=postgres "$DUMP"',
      'rm -r "$DUMP"',
    ],
  };
}

function ofScript(title: string, { database, properties }: PostgresManifest): Recipe {
  const { encoding, collation, characterType, owner } = properties;
  const locale = `--encoding=${shellWord(encoding)} --lc-collate=${shellWord(collation)} --lc-ctype=${shellWord(characterType)}`;
  const name = shellWord(database);
  return {
    title,
    notes: [],
    commands: ({ read }) => [
      `createdb --template=template0 --owner=${shellWord(owner)} ${locale} ${name}`,
      `${read} | psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --single-transaction --output=/dev/null --dbname=${name}`,
    ],
  };
}

async function sizeOf(tree: CapturedTree, folder: string): Promise<number> {
  let sum = 0;
  for await (const { size } of tree.list(folder)) sum += size;
  return sum;
}
