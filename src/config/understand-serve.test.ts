import { stringify } from 'yaml';
import { expect, test } from 'vitest';
import { parseConfiguration } from './parse-configuration.ts';
import { writeOut } from './write-out.ts';

const rest = 'application: shop\nrepositories: { local: /backups }\ncomponents: { uploads: { files: uploads } }\n';

function parse(text: string) {
  return parseConfiguration(text, { file: '/srv/app/holdfast.yaml', environment: {} });
}

test('the interface is understood, its tokens are named and not read, and it can be written out again', () => {
  const parsed = parse(
    `${rest}serve:\n  listen: 0.0.0.0:7930\n  tokens:\n    - { name: grafana, token: { file: secrets/grafana } }\n    - { name: ops, role: admin, token: { env: OPS_TOKEN } }\n`,
  );
  if ('problems' in parsed) throw new Error(JSON.stringify(parsed.problems));
  const { serve } = parsed.configuration;
  expect(serve).toEqual({
    listen: '0.0.0.0:7930',
    tokens: [
      { name: 'grafana', role: 'viewer', token: { file: '/srv/app/secrets/grafana' } },
      { name: 'ops', role: 'admin', token: { env: 'OPS_TOKEN' } },
    ],
  });
  const again = parse(stringify(writeOut(parsed.configuration)));
  expect('problems' in again ? again.problems : again.configuration.serve).toEqual(serve);
});

test.each([
  ['serve: { listen: nowhere }', 'an address such as 127.0.0.1:7930'],
  ['serve: { tokens: [{ name: a b, token: x }] }', 'a name of letters'],
  ['serve: { tokens: [{ name: a, role: root, token: x }] }', 'viewer, operator, admin'],
  ['serve: { port: 80 }', 'listen, tokens'],
  ['serve: { tokens: [{ name: a, token: xxxx }, { name: a, token: yyyy }] }', 'names that differ'],
])('%s is refused with words', (line, words) => {
  const parsed = parse(`${rest}${line}\n`);
  expect('problems' in parsed ? parsed.problems.map(({ message }) => message).join('\n') : '').toContain(words);
});
