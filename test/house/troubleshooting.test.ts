/** The page about troubles lists the checks that the doctor makes, and names no others. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { projectRoot } from '../../scripts/run-program.ts';
import { knownChecks } from '../../src/operations/doctor/list-of-checks.ts';

const page = readFileSync(join(projectRoot, 'docs/troubleshooting.md'), 'utf8');

test('the table of checks is that of the doctor', () => {
  const rows = page.slice(page.indexOf('## All checks')).matchAll(/^\| `(.+)` \| (\w+) \| (.+) \|$/gm);
  expect([...rows].map(([, name, group, looks]) => ({ name, group, looks }))).toEqual(knownChecks);
});

test('every check that the text names is one of them', () => {
  const text = page.slice(0, page.indexOf('## All checks'));
  const named = [...text.matchAll(/`((?:host|schedule|notify|configuration|docker|repository NAME|notifier NAME|COMPONENT): [^`]+)`/g)].map(
    ([, name]) => name,
  );
  expect(named.length).toBeGreaterThan(15);
  expect(named.filter((name) => !knownChecks.some((known) => known.name === name))).toEqual([]);
});

test('lines of output that are shown are of checks that there are', () => {
  const shown = [...page.matchAll(/^(?: {2}ok|warn|FAIL) {2}(.*)$/gm)].map(([, line]) => line ?? '');
  expect(shown.length).toBeGreaterThan(5);
  const forms = knownChecks.map(
    ({ name }) =>
      new RegExp(
        `^${name
          .split(/([A-Z]{3,})/)
          .map((part, at) => (at % 2 === 1 ? '[^:]+' : RegExp.escape(part)))
          .join('')}: `,
      ),
  );
  expect(shown.filter((line) => !forms.some((form) => form.test(line)))).toEqual([]);
});
