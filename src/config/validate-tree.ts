/** From a tree to what the schema says it is. */
import { describeIssues } from './describe-issues.ts';
import { plainValueOf, valueAt, type ConfigurationProblem, type Located, type ProblemPath } from './located-tree.ts';
import { fileSchema, type ConfigurationFile } from './schema/schema.ts';

export type ValidatedTree =
  | { readonly file: ConfigurationFile; readonly tree: Located }
  | { readonly problems: readonly ConfigurationProblem[] };

/** Validates a tree in which variables were filled in. */
export function validateTree(tree: Located): ValidatedTree {
  const first = fileSchema.safeParse(plainValueOf(tree));
  if (first.success) return { file: first.data, tree };
  /* `daily: ${KEEP}` means a number, and a variable is always text. */
  const converted = convertTexts(tree, first.error.issues);
  if (converted !== tree) {
    const second = fileSchema.safeParse(plainValueOf(converted));
    if (second.success) return { file: second.data, tree: converted };
    return { problems: describeIssues(second.error.issues, converted) };
  }
  return { problems: describeIssues(first.error.issues, tree) };
}

type Issue = Parameters<typeof describeIssues>[0][number];

function convertTexts(tree: Located, issues: readonly Issue[]): Located {
  let converted = tree;
  for (const path of wrongPaths(issues, [])) {
    const node = valueAt(converted, path);
    if (node?.type !== 'scalar' || node.written === undefined || typeof node.value !== 'string') continue;
    const value = numberOrTruth(node.value);
    if (value !== undefined) converted = replaceAt(converted, path, { ...node, value });
  }
  return converted;
}

function* wrongPaths(issues: readonly Issue[], above: ProblemPath): Generator<ProblemPath> {
  for (const issue of issues) {
    const path = [...above, ...issue.path.map((step) => (typeof step === 'number' ? step : String(step)))];
    yield path;
    if (issue.code === 'invalid_union') for (const errors of issue.errors) yield* wrongPaths(errors, path);
  }
}

function numberOrTruth(text: string): number | boolean | undefined {
  if (/^-?\d{1,15}$/.test(text)) return Number(text);
  if (text === 'true' || text === 'false') return text === 'true';
  return undefined;
}

function replaceAt(node: Located, path: ProblemPath, value: Located): Located {
  const [step, ...rest] = path;
  if (step === undefined) return value;
  if (node.type === 'list')
    return { ...node, items: node.items.map((item, index) => (index === step ? replaceAt(item, rest, value) : item)) };
  const entry = node.type === 'mapping' ? node.entries.get(String(step)) : undefined;
  if (node.type !== 'mapping' || entry === undefined) return node;
  return { ...node, entries: new Map(node.entries).set(String(step), { ...entry, value: replaceAt(entry.value, rest, value) }) };
}
