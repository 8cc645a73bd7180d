/** What Compose calls the project of a folder, where nobody says it. */
import { readFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { parseEnv } from 'node:util';

export interface ComposeFolder {
  /** Absolute: where the compose file lies. */
  readonly folder: string;
  /** The compose file; one of the usual names in the folder where absent. */
  readonly file?: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

const usualFiles = ['compose.yaml', 'compose.yml', 'docker-compose.yml', 'docker-compose.yaml'];
const variable = 'COMPOSE_PROJECT_NAME';

/** COMPOSE_PROJECT_NAME of the environment, that of the folder's `.env`, the compose file's `name`, or the folder's name: the first that there is. */
export async function composeProject({ folder, file, environment }: ComposeFolder): Promise<string> {
  const named = environment[variable] ?? '';
  if (named !== '') return named;
  const inFile = (await readVariables(join(folder, '.env')))[variable] ?? '';
  if (inFile !== '') return inFile;
  const files = file === undefined ? usualFiles.map((name) => join(folder, name)) : [resolve(folder, file)];
  for (const path of files) {
    const text = await readFile(path, 'utf8').catch(() => undefined);
    if (text === undefined) continue;
    return (await readName(text)) ?? normalizeProject(basename(folder));
  }
  return normalizeProject(basename(folder));
}

/** As Compose makes a project's name of a folder's. */
export function normalizeProject(name: string): string {
  return name
    .toLowerCase()
    .replaceAll(/[^-_a-z0-9]/g, '')
    .replace(/^[-_]+/, '');
}

async function readVariables(path: string): Promise<NodeJS.Dict<string>> {
  try {
    return parseEnv(await readFile(path, 'utf8'));
  } catch {
    return {};
  }
}

/** The top-level `name`, unless it holds variables. */
async function readName(text: string): Promise<string | undefined> {
  if (!/^["']?name["']?\s*:/m.test(text)) return undefined;
  const { parseDocument } = await import('yaml');
  const name: unknown = parseDocument(text).get('name');
  return typeof name === 'string' && name !== '' && !name.includes('$') ? name : undefined;
}
