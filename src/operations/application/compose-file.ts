/** What the Compose file of an application says, where that can be told from it alone. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import type { Configuration } from '../../config/configuration.ts';
import type { Environment } from './application-tools.ts';

const usualFiles = ['compose.yaml', 'compose.yml', 'docker-compose.yml', 'docker-compose.yaml'];

/** The one that is named, or the usual one beside the configuration; undefined where there is none. */
export function findComposeFile({ compose, folder }: Pick<Configuration, 'compose' | 'folder'>): string | undefined {
  return compose?.file ?? usualFiles.map((name) => join(folder, name)).find((path) => existsSync(path));
}

const composeSchema = z.looseObject({ services: z.record(z.string(), z.unknown()).optional(), include: z.unknown().optional() });

/** The names of its services. Undefined where other files may have a say: an override, an include, COMPOSE_FILE, or no file at all. */
export async function composeServices(
  configuration: Pick<Configuration, 'compose' | 'folder'>,
  environment: Environment,
): Promise<readonly string[] | undefined> {
  const file = findComposeFile(configuration);
  if (file === undefined || (environment['COMPOSE_FILE'] ?? '') !== '') return undefined;
  const overrides = usualFiles.map((name) =>
    join(
      dirname(file),
      name.replace(/\.ya?ml$/, (ending) => `.override${ending}`),
    ),
  );
  if (overrides.some((path) => existsSync(path))) return undefined;
  const { parse } = await import('yaml');
  try {
    const read = composeSchema.parse(parse(await readFile(file, 'utf8'), { merge: true }));
    return read.include === undefined ? Object.keys(read.services ?? {}) : undefined;
  } catch {
    // Compose itself says what is wrong with it.
    return undefined;
  }
}
