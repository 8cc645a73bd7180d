/** The configurations that the pages show are understood. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { projectRoot } from '../../scripts/run-program.ts';
import { parseConfiguration } from '../../src/config/parse-configuration.ts';
import { readBlocks } from './documents/read-document.ts';

const shown = ['README.md', ...globSync('docs/*.md', { cwd: projectRoot })].flatMap((page) =>
  readBlocks(readFileSync(join(projectRoot, page), 'utf8'))
    .filter(({ language, text }) => language === 'yaml' && /^application:/m.test(text))
    .map(({ heading, text, line }) => ({ place: `${page}:${line} (${heading})`, text })),
);

test.each(shown)('$place', ({ text }) => {
  const options = { file: '/app/holdfast.yaml', environment: {} };
  expect(parseConfiguration(text, options)).not.toHaveProperty('problems');
  for (const profile of /^profiles:/m.test(text) ? ['production', 'development'] : [])
    expect(parseConfiguration(text, { ...options, profile })).not.toHaveProperty('problems');
});

test('there are some', () => {
  expect(shown.length).toBeGreaterThan(4);
});
