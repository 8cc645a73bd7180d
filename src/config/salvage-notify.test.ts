import { expect, test } from 'vitest';
import { salvageNotify } from './salvage-notify.ts';

const options = { file: '/srv/shop/holdfast.yaml', environment: { HOOK: 'https://hooks.example/1' } };
const notify = `notify:
# who is awake
- { slack: "\${HOOK}", components: uploads }
- { email: ops@example.org }
`;

test.each([
  [
    'a key that there is not',
    `application: shop\nrepositories: { r: ./b }\ncomponents:\n  uploads: { fiels: u }\n${notify}schedule: daily\n`,
  ],
  ['a variable that is not set', `application: shop\n${notify}repositories: { r: "\${NOWHERE}" }\ncomponents:\n  uploads: { files: u }\n`],
  ['no YAML at all', `application: shop\nrepositories: { r: [ }\ncomponents:\n  uploads: { files: u }\n\tbroken\n${notify}`],
])('people are found in a file with %s', (_, text) => {
  expect(salvageNotify(text, options)).toMatchObject({
    application: 'shop',
    file: '/srv/shop/holdfast.yaml',
    notify: [{ to: { kind: 'slack', url: { value: 'https://hooks.example/1' } } }, { to: { kind: 'email' } }],
  });
});

test('nobody is found where nobody is named, or where that is what is wrong', () => {
  expect(salvageNotify('application: shop\n', options)).toBeUndefined();
  expect(salvageNotify('application: shop\nnotify: [{ slak: x }]\n', options)).toBeUndefined();
  expect(salvageNotify('', options)).toBeUndefined();
});
