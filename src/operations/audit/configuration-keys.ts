/** Which keys of a configuration are others than before: values are never told, for any of them may be a secret. */
import { hash } from 'node:crypto';
import type { Located } from '../../config/located-tree.ts';
import { parseYaml } from '../../config/parse-yaml.ts';

/** By the path of each value, such as `components.database.schedule`: the beginning of a hash of it. */
export type ConfigurationKeys = Readonly<Record<string, string>>;

export interface KeyChanges {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly changed: readonly string[];
}

const mostKeys = 3000;
const mostTold = 100;
const longestPath = 200;

/** Of a text that is no YAML there are none. */
export function readKeys(text: string): ConfigurationKeys {
  const found: Record<string, string> = {};
  let count = 0;
  const visit = (value: Located, path: string): void => {
    if (count >= mostKeys) return;
    if (value.type === 'mapping') for (const [key, entry] of value.entries) visit(entry.value, path === '' ? key : `${path}.${key}`);
    else if (value.type === 'list') for (const [at, item] of value.items.entries()) visit(item, `${path}.${at}`);
    else {
      count += 1;
      found[path.slice(0, longestPath)] = hash('sha256', `${path}\n${JSON.stringify(value.value)}`).slice(0, 12);
    }
  };
  const { tree } = parseYaml(text);
  if (tree !== undefined) visit(tree, '');
  return found;
}

export function compareKeys(before: ConfigurationKeys, after: ConfigurationKeys): KeyChanges {
  const has = (keys: ConfigurationKeys, path: string): boolean => Object.hasOwn(keys, path);
  return {
    added: Object.keys(after)
      .filter((path) => !has(before, path))
      .slice(0, mostTold),
    removed: Object.keys(before)
      .filter((path) => !has(after, path))
      .slice(0, mostTold),
    changed: Object.keys(after)
      .filter((path) => has(before, path) && before[path] !== after[path])
      .slice(0, mostTold),
  };
}
