/** Whom to tell that a holdfast.yaml is wrong, read from that file itself: a backup that never begins must not be told to nobody. */
import type { Configuration } from './configuration.ts';
import { parseConfiguration, type ParseOptions } from './parse-configuration.ts';

/**
 * A configuration that holds only who is told what; everything else in it means nothing. It is cut out of the text by its lines, so that errors
 * elsewhere, also such that make it no YAML, are no hindrance. Undefined where nothing can be understood.
 */
export function salvageNotify(text: string, options: ParseOptions): Configuration | undefined {
  const [application, notify] = [cutBlock(text, 'application'), cutBlock(text, 'notify')];
  if (application === undefined || notify === undefined) return undefined;
  // Routes may name components: each must be there.
  const names = cutBlock(text, 'components')?.match(/(?<=^ {1,8})[\w.-]+(?=:)/gm) ?? [];
  const components = [...new Set(['anything', ...names])].map((name) => `  ${name}: { files: . }\n`).join('');
  const parts = [application, cutBlock(text, 'timezone') ?? '', notify, 'repositories: { anywhere: . }\ncomponents:\n', components];
  const parsed = parseConfiguration(parts.join(''), { ...options, profile: undefined });
  return 'problems' in parsed ? undefined : parsed.configuration;
}

/** From a key at the left margin to the next one. */
function cutBlock(text: string, key: string): string | undefined {
  const lines = text.split(/\r?\n/);
  const from = lines.findIndex((line) => line.startsWith(`${key}:`));
  if (from === -1) return undefined;
  const length = lines.slice(from + 1).findIndex((line) => /^[^\s#-]/.test(line));
  return `${lines.slice(from, length === -1 ? undefined : from + 1 + length).join('\n')}\n`;
}
