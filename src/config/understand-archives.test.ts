import { expect, test } from 'vitest';
import { stringify } from 'yaml';
import { parseConfiguration, type ParseOptions } from './parse-configuration.ts';
import { writeOut } from './write-out.ts';

const options: ParseOptions = { file: '/app/holdfast.yaml', environment: {} };
const head =
  'application: shop\nrepositories: { r: ./b }\ncomponents: { database: { postgres: { url: postgresql:///shop, mode: both } }, uploads: { files: u } }\n';

function parse(archives: string): ReturnType<typeof parseConfiguration> {
  return parseConfiguration(`${head}archives: ${archives}\n`, options);
}

test('an archive is written out: places absolute, one or many, defaults', () => {
  const parsed = parse(
    '{ monthly: { to: ./a, class: GLACIER, components: uploads, encrypt: { gpg: [./ops.asc, ops@example.org], passphrase: { file: pw } }, keep: { monthly: 84 }, schedule: 0 5 1 * *, file: one }, plain: { to: s3://b/a, components: [database, database-base] } }',
  );
  if ('problems' in parsed) throw new Error(JSON.stringify(parsed.problems));
  expect(parsed.configuration.archives).toEqual([
    {
      name: 'monthly',
      to: '/app/a',
      storageClass: 'GLACIER',
      components: ['uploads'],
      encrypt: { gpg: ['/app/ops.asc', 'ops@example.org'], passphrase: { file: '/app/pw' } },
      keep: { monthly: 84 },
      schedule: '0 5 1 * *',
      oneFile: true,
      compression: 'gzip',
    },
    { name: 'plain', to: 's3://b/a', components: ['database', 'database-base'], oneFile: false, compression: 'gzip' },
  ]);
  const again = parseConfiguration(stringify(writeOut(parsed.configuration)), options);
  expect('configuration' in again && again.configuration.archives).toEqual(parsed.configuration.archives);
});

test.each([
  [
    '{ m: { to: a, components: upload } }',
    'found the component "upload" for an archive, allowed are database, uploads; did you mean "uploads"?',
  ],
  ['{ m: { to: a, encrypt: {} } }', 'found none of them for "encrypt", allowed are gpg, passphrase or both, or age'],
  ['{ m: { to: a, encrypt: { age: x, gpg: y } } }', 'found age beside gpg for "age", allowed are one of the two'],
  ['{ m: { to: a, schedule: mothly } }', 'allowed is a schedule of five fields'],
  ['{ m: { class: X } }', 'needed is a folder or an address'],
])('%s', (archives, message) => {
  const parsed = parse(archives);
  const problems = 'problems' in parsed ? parsed.problems : [];
  expect(problems.map((problem) => `${problem.line}:${problem.column}: ${problem.message}`).join('\n')).toContain(message);
});
