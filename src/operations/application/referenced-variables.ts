/**
 * Variables of the environment that a configuration refers to. A point keeps their values, so that the application can be recovered where
 * nobody has set them; but not those that only the addresses and passwords of repositories need: a copy in another repository must not tell them.
 */
import { readFileSync } from 'node:fs';
import { isMap, parseDocument } from 'yaml';
import { z } from 'zod';
import type { Environment } from './application-tools.ts';

interface References {
  /** What the application itself is described with. */
  readonly application: readonly string[];
  /** What only `repositories` mentions. */
  readonly repositories: readonly string[];
}

/** The names in `${NAME}`, and in secrets such as `{ env: NAME }`. A text that is no YAML has none. */
function findReferences(text: string): References {
  const document = parseDocument(text);
  if (document.errors.length > 0 || !isMap(document.contents)) return { application: [], repositories: [] };
  const { repositories, ...rest } = z.record(z.string(), z.unknown()).parse(document.toJS());
  const application = namesIn(rest);
  return { application, repositories: namesIn(repositories).filter((name) => !application.includes(name)) };
}

/** The values to keep. */
export function keptVariables(text: string, environment: Environment): Record<string, string> {
  return Object.fromEntries(
    findReferences(text).application.flatMap((name) => {
      const value = environment[name] ?? readFromFile(environment[`${name}_FILE`]);
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

/** An environment in which the configuration of a point can be read: what is set here wins over what the point kept. */
export function restoredEnvironment(text: string, kept: Readonly<Record<string, string>>, environment: Environment): Environment {
  const unneeded = findReferences(text).repositories.map((name): [string, string] => [name, 'not-needed']);
  const set = Object.entries(environment).filter(([, value]) => value !== undefined);
  return { ...Object.fromEntries(unneeded), ...kept, ...Object.fromEntries(set) };
}

/** What `NAME_FILE` points to; a file that cannot be read has been complained about when the configuration was loaded. */
function readFromFile(file: string | undefined): string | undefined {
  if (!file) return undefined;
  try {
    return readFileSync(file, 'utf8').replace(/\r?\n$/, '');
  } catch {
    return undefined;
  }
}

function namesIn(value: unknown): string[] {
  const json = value === undefined ? '' : JSON.stringify(value);
  const braced = [...json.matchAll(/\$\{([A-Za-z_][A-Za-z0-9_]*)/g)].map(([, name = '']) => name);
  const secrets = [...json.matchAll(/"env":"([A-Za-z_][A-Za-z0-9_]*)"/g)].map(([, name = '']) => name);
  return [...new Set([...braced, ...secrets])].toSorted();
}
