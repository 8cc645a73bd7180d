/** What lies in the folder of an application: files that say what it is made of. Reads, and changes nothing. */
import { existsSync, readdirSync, statSync, type Stats } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { readBoundedFile } from '../../config/read-bounded-file.ts';
import { parseComposeFile, type ComposeFile } from './compose-file.ts';
import { parseEnvFile } from './env-file.ts';

export interface Surroundings {
  /** Absolute. */
  readonly folder: string;
  readonly compose?: FoundComposeFile;
  /** A Compose file that could not be read. */
  readonly unreadableCompose?: string;
  /** Of `.env`; empty where there is none. */
  readonly variables: ReadonlyMap<string, string>;
  /** Folders that look like uploads, relative. */
  readonly uploadFolders: readonly string[];
  /** Configuration files, relative. */
  readonly configFiles: readonly string[];
  /** The git work tree that the folder is in. */
  readonly git?: { readonly root: string; readonly hasRemote: boolean };
  /** What runs migrations, by the files that such programs leave. */
  readonly migration?: string;
}

export interface FoundComposeFile extends ComposeFile {
  /** Relative. */
  readonly file: string;
  readonly project: string;
}

const composeNames = ['compose.yaml', 'compose.yml', 'docker-compose.yml', 'docker-compose.yaml'];
const uploadNames = [
  ...[
    'uploads',
    'upload',
    'media',
    'storage',
    'attachments',
    'public/uploads',
    'static/uploads',
    'data/uploads',
    'var/uploads',
    'instance/uploads',
  ],
  ...['app/uploads', 'backend/uploads', 'public/system', 'public/media', 'wp-content/uploads', 'storage/app'],
];
const configNames =
  /^(\.env(\.(?!example$|sample$|template$|dist$)[\w-]+)?|(docker-)?compose(\.[\w-]+)?\.ya?ml|Caddyfile|nginx\.conf|prometheus\.ya?ml|traefik\.ya?ml)$/;
const migrations: readonly (readonly [string, string])[] = [
  ['alembic.ini', 'alembic upgrade head'],
  ['migrations/alembic.ini', 'flask db upgrade'],
  ['manage.py', 'python manage.py migrate --noinput'],
  ['prisma/schema.prisma', 'npx prisma migrate deploy'],
  ['bin/rails', 'bin/rails db:migrate'],
  ['artisan', 'php artisan migrate --force'],
];
const largestFile = 1024 * 1024;

/** Looks around in a folder. What cannot be read is passed over. */
export function lookAround(folder: string): Surroundings {
  const variables = parseEnvFile(read(join(folder, '.env')) ?? '');
  const composeName = composeNames.find((name) => statOf(join(folder, name))?.isFile() === true);
  const compose = composeName === undefined ? undefined : parseComposeFile(read(join(folder, composeName)) ?? '');
  const git = findGit(folder);
  const migration = migrations.find(([name]) => existsSync(join(folder, name)))?.[1];
  return {
    folder,
    variables,
    uploadFolders: withoutNested(uploadNames.filter((name) => statOf(join(folder, name))?.isDirectory() === true)),
    configFiles: namesIn(folder).filter((name) => configNames.test(name) && statOf(join(folder, name))?.isFile() === true),
    ...(composeName === undefined || compose === undefined
      ? {}
      : { compose: { ...compose, file: composeName, project: compose.project ?? projectOf(folder, variables) } }),
    ...(composeName !== undefined && compose === undefined ? { unreadableCompose: composeName } : {}),
    ...(git === undefined ? {} : { git }),
    ...(migration === undefined ? {} : { migration }),
  };
}

/** As Compose names a project that has no name. */
function projectOf(folder: string, variables: ReadonlyMap<string, string>): string {
  const name = variables.get('COMPOSE_PROJECT_NAME') ?? basename(folder);
  return (
    name
      .toLowerCase()
      .replaceAll(/[^a-z0-9_-]/g, '')
      .replace(/^[_-]+/, '') || 'app'
  );
}

/** `storage/app` is in `storage`. */
function withoutNested(folders: readonly string[]): string[] {
  return folders.filter((folder) => !folders.some((other) => folder.startsWith(`${other}/`)));
}

function findGit(folder: string): Surroundings['git'] {
  for (let root = folder; ; root = dirname(root)) {
    const place = join(root, '.git');
    const stats = statOf(place);
    // Of a work tree beside its repository (`.git` is a file) nothing more is known here; it is taken as one that has a remote.
    if (stats !== undefined) return { root, hasRemote: stats.isFile() || /^\s*\[remote "/m.test(read(join(place, 'config')) ?? '') };
    if (root === dirname(root)) return undefined;
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).toSorted();
  } catch {
    return [];
  }
}

function statOf(path: string): Stats | undefined {
  return statSync(path, { throwIfNoEntry: false });
}

function read(path: string): string | undefined {
  try {
    return statOf(path)?.isFile() === true ? readBoundedFile(path, largestFile) : undefined;
  } catch {
    return undefined;
  }
}
