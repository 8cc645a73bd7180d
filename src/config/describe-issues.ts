/** What zod found wrong, as sentences at places of the file. */
import type { z } from 'zod';
import { keyPlaceOf, placeOf, problemAt, valueAt, type ConfigurationProblem, type Located, type ProblemPath } from './located-tree.ts';
import { nearestWord } from './nearest-word.ts';

type Issue = z.core.$ZodIssue;

/** Keys whose values are not shown, whatever they are. */
const secretKeys = /^(password|value|secret|token|headers|webhook|slack|teams|discord|ntfy|healthcheck|uptime-kuma)$/;
const longestShown = 60;

/** The problems of a tree that the schema refuses, one or more an issue. */
export function describeIssues(issues: readonly Issue[], tree: Located): ConfigurationProblem[] {
  const placed = issues.flatMap((issue) => narrow(issue, []));
  const withUnknownKeys = new Set(placed.flatMap(({ issue, path }) => (issue.code === 'unrecognized_keys' ? [path.join('\n')] : [])));
  return placed
    .filter(({ issue, path }) => !(issue.code === 'custom' && issue.params?.['missing'] === true && withUnknownKeys.has(path.join('\n'))))
    .flatMap(({ issue, path }) => describeIssue(issue, path, tree));
}

interface PlacedIssue {
  readonly issue: Issue;
  readonly path: ProblemPath;
}

/** Of a union the form that was meant: the one that fits from outside. What is wrong inside it is what is told. */
function narrow(issue: Issue, above: ProblemPath): PlacedIssue[] {
  const path = [...above, ...issue.path.map((step) => (typeof step === 'number' ? step : String(step)))];
  if (issue.code !== 'invalid_union') return [{ issue, path }];
  const meant = issue.errors.filter((errors) => errors.length > 0 && errors.every((error) => !isAboutWhole(error)));
  const [only, ...others] = meant;
  if (only === undefined || others.length > 0) return [{ issue, path }];
  return only.flatMap((error) => narrow(error, path));
}

/** Whether the value as a whole is of another kind than this form of a union. */
function isAboutWhole(issue: Issue): boolean {
  if (issue.path.length > 0) return false;
  if (issue.code === 'invalid_union') return issue.errors.every((errors) => errors.some(isAboutWhole));
  return issue.code === 'invalid_type' || issue.code === 'invalid_value';
}

function describeIssue(issue: Issue, path: ProblemPath, tree: Located): ConfigurationProblem[] {
  switch (issue.code) {
    case 'unrecognized_keys': {
      const allowed = issue.message.split(', ');
      return issue.keys.map((key) =>
        problemAt(
          keyPlaceOf(tree, [...path, key]) ?? placeOf(tree, path),
          sentence(`the key ${show(key)}`, issue.message, nearestWord(key, allowed)),
        ),
      );
    }
    case 'invalid_key':
      return [
        problemAt(
          keyPlaceOf(tree, path) ?? placeOf(tree, path),
          sentence(`the name ${show(String(path.at(-1)))}`, issue.issues[0]?.message ?? issue.message),
        ),
      ];
    case 'custom': {
      const found: unknown = issue.params?.['found'];
      if (typeof found !== 'string') break;
      return [
        problemAt(
          keyPlaceOf(tree, path) ?? placeOf(tree, path),
          sentence(found.startsWith('"') ? found : `${found}${nameOf(path)}`, issue.message),
        ),
      ];
    }
    default:
  }
  const value = valueAt(tree, path);
  if (value === undefined) return [problemAt(placeOf(tree, path), `found no key ${show(String(path.at(-1)))}, needed is ${issue.message}`)];
  const words = issue.code === 'invalid_value' ? issue.values.map(String) : wordsOf(issue.message);
  const near = value.type === 'scalar' && typeof value.value === 'string' ? nearestWord(value.value, words) : undefined;
  return [problemAt(value, sentence(`${describeFound(value, path)}${nameOf(path)}`, issue.message, near))];
}

/** `all, a service, or a list of services` has one word. */
function wordsOf(message: string): string[] {
  return message.split(/, (?:or )?| or | and /).filter((part) => /^[a-z]+$/.test(part));
}

function sentence(found: string, allowed: string, near?: string): string {
  return `found ${found}, allowed ${/^(a|an|the|exactly|at|both|database:) /.test(allowed) ? 'is' : 'are'} ${allowed}${near === undefined ? '' : `; did you mean "${near}"?`}`;
}

/** ` for "jobs"`, so that the line need not be looked up. */
function nameOf(path: ProblemPath): string {
  const key = path.findLast((step) => typeof step === 'string');
  return key === undefined ? '' : ` for ${show(key)}`;
}

/** What stands there, unless it may be a secret. */
function describeFound(node: Located, path: ProblemPath): string {
  if (node.type === 'list') return node.items.length === 0 ? 'an empty list' : 'a list';
  if (node.type === 'mapping') return node.entries.size === 0 ? 'an empty mapping' : 'a mapping';
  if (node.value === null) return 'nothing';
  if (typeof node.value === 'boolean') return String(node.value);
  const kind = typeof node.value === 'number' ? 'number' : 'text';
  if (node.written !== undefined) return `the value of ${show(node.written)}`;
  if (path.some((step) => typeof step === 'string' && secretKeys.test(step)) || /[:/].*@/s.test(String(node.value))) return `a ${kind}`;
  return `the ${kind} ${typeof node.value === 'number' ? String(node.value) : show(node.value)}`;
}

/** In quotes, on one line, not longer than people read. */
export function show(text: string): string {
  const short = text.length > longestShown ? `${text.slice(0, longestShown)}…` : text;
  return JSON.stringify(short).replaceAll(
    /[\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
