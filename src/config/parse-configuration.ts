/** From the text of a holdfast.yaml to its meaning, or to all that is wrong with it. Reads no file but those of `NAME_FILE` variables. */
import { dirname } from 'node:path';
import { findBrokenReferences } from './broken-references.ts';
import type { Configuration } from './configuration.ts';
import { fillInVariables, type Environment } from './fill-in-variables.ts';
import { problemAt, type ConfigurationProblem } from './located-tree.ts';
import { mergeProfile } from './merge-profile.ts';
import { parseYaml } from './parse-yaml.ts';
import { understandFile } from './understand-file.ts';
import { validateTree } from './validate-tree.ts';

export interface ParseOptions {
  /** Absolute path of the file that the text is of: relative paths begin in its folder. */
  readonly file: string;
  readonly environment: Environment;
  readonly profile?: string | undefined;
  /**
   * What variables without a value are. `refuse` (unless said otherwise): errors. `keep`: left as they are written, for looking at a
   * file away from its home, such as that of a recovery point on an empty machine.
   */
  readonly unsetVariables?: 'refuse' | 'keep';
}

export interface ParsedConfiguration {
  readonly configuration: Configuration;
  /** Profiles that the file has. */
  readonly profiles: readonly string[];
  /** Values of variables that are named like secrets: not to be shown. */
  readonly sensitive: readonly string[];
}

/** Never throws for any text. Problems are in the order of the file. */
export function parseConfiguration(
  text: string,
  { file, environment, profile, unsetVariables = 'refuse' }: ParseOptions,
): ParsedConfiguration | { readonly problems: readonly ConfigurationProblem[] } {
  const parsed = parseYaml(text.replace(/^\uFEFF/, ''));
  if (parsed.problems.length > 0) return { problems: inOrder(parsed.problems) };
  if (parsed.tree?.type !== 'mapping') {
    const found = parsed.tree === undefined || (parsed.tree.type === 'scalar' && parsed.tree.value === null) ? 'nothing' : 'no mapping';
    const message = `found ${found}, allowed is a mapping with application, repositories and components`;
    return { problems: [problemAt(parsed.tree ?? { source: parsed.source, at: 0 }, message)] };
  }
  const merged = mergeProfile(parsed.tree, profile);
  const filled = fillInVariables(merged.tree, { environment, unset: unsetVariables });
  const validated = validateTree(filled.tree);
  const problems = [
    ...(merged.problem === undefined ? [] : [merged.problem]),
    ...filled.problems,
    ...('problems' in validated ? validated.problems : findBrokenReferences(validated.file, validated.tree, dirname(file))),
  ];
  if (problems.length > 0 || 'problems' in validated) return { problems: inOrder(problems) };
  const profiles = parsed.tree.entries.get('profiles')?.value;
  return {
    configuration: understandFile(validated.file, file, dirname(file), profile),
    profiles: profiles?.type === 'mapping' ? [...profiles.entries.keys()] : [],
    sensitive: filled.sensitive,
  };
}

/** What stands at one place is told once: a variable that is not set makes no second problem of its form. */
function inOrder(problems: readonly ConfigurationProblem[]): ConfigurationProblem[] {
  const sorted = problems.toSorted((a, b) => a.line - b.line || a.column - b.column);
  return sorted.filter(
    (problem, index) =>
      sorted.findIndex(({ line, column, message }) => line === problem.line && column === problem.column && message === problem.message) ===
      index,
  );
}
