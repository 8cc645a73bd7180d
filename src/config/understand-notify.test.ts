import { expect, test } from 'vitest';
import { stringify } from 'yaml';
import { maskConfiguration } from './mask-configuration.ts';
import { parseConfiguration, type ParseOptions } from './parse-configuration.ts';
import { writeOut } from './write-out.ts';

const options: ParseOptions = { file: '/app/holdfast.yaml', environment: { HOOK: 'https://hooks.example/secret-1' } };
const head =
  'application: shop\nrepositories: { r: ./b }\ncomponents: { database: { postgres: postgresql:///shop }, uploads: { files: u } }\n';

function parse(notify: string): ReturnType<typeof parseConfiguration> {
  return parseConfiguration(`${head}notify: ${notify}\n`, options);
}

const every = `
  - { email: ops@example.org, on: [failure, objective] }
  - { name: night, email: { to: [a@example.org, b@example.org], from: h@example.org, server: "smtp://mail:587", user: u, password: { file: pw }, tls: required, authority: ca.pem }, quiet: 22:00-06:30 }
  - { webhook: { url: { env: URL }, secret: { env: SIGN }, headers: { X-Token: { command: pass } } }, components: database, severity: warning, repeat: 1h }
  - { slack: "\${HOOK}" }
  - { slack: https://hooks.example/2 }
  - { ntfy: { url: https://ntfy.sh/topic, token: { env: T } } }
  - { healthcheck: https://hc.example/ping/1 }
  - { alertmanager: { url: http://am:9093, user: u, password: p } }
`;

test('routes are written out, named after their kind, and back', () => {
  const parsed = parse(every);
  if ('problems' in parsed) throw new Error(JSON.stringify(parsed.problems));
  expect(parsed.configuration.notify).toEqual([
    { name: 'email', to: { kind: 'email', recipients: ['ops@example.org'] }, on: ['failure', 'objective'] },
    {
      name: 'night',
      to: {
        kind: 'email',
        recipients: ['a@example.org', 'b@example.org'],
        from: 'h@example.org',
        server: 'smtp://mail:587',
        user: 'u',
        password: { file: '/app/pw' },
        tls: 'required',
        authority: '/app/ca.pem',
      },
      quiet: { from: 22 * 60, to: 6 * 60 + 30 },
    },
    {
      name: 'webhook',
      to: { kind: 'webhook', url: { env: 'URL' }, secret: { env: 'SIGN' }, headers: { 'X-Token': { command: 'pass' } } },
      components: ['database'],
      severity: 'warning',
      repeatMs: 3_600_000,
    },
    { name: 'slack', to: { kind: 'slack', url: { value: 'https://hooks.example/secret-1' } } },
    { name: 'slack-2', to: { kind: 'slack', url: { value: 'https://hooks.example/2' } } },
    { name: 'ntfy', to: { kind: 'ntfy', url: { value: 'https://ntfy.sh/topic' }, token: { env: 'T' } } },
    { name: 'healthcheck', to: { kind: 'healthcheck', url: { value: 'https://hc.example/ping/1' } } },
    { name: 'alertmanager', to: { kind: 'alertmanager', url: { value: 'http://am:9093' }, user: 'u', password: { value: 'p' } } },
  ]);
  const again = parseConfiguration(stringify(writeOut(parsed.configuration)), options);
  expect('configuration' in again && again.configuration.notify).toEqual(parsed.configuration.notify);
});

test('the address of a hook is a secret where a configuration is shown', () => {
  const parsed = parse(every);
  if ('problems' in parsed) throw new Error(JSON.stringify(parsed.problems));
  const shown = JSON.stringify(maskConfiguration(writeOut(parsed.configuration), []));
  expect(shown).toContain('"slack":{"value":"***"}');
  expect(shown).not.toMatch(/hooks\.example|ping\/1/);
});

test.each([
  ['[{ email: "a@b, c@d" }]', 'an e-mail address'],
  ['[{ email: "a@b\\r\\nBcc: c@d" }]', 'an e-mail address'],
  ['[{ email: a@b, slack: https://x }]', 'found email and slack'],
  ['[{ on: failure }]', 'exactly one of email, webhook'],
  ['[{ slack: hooks }]', 'a URL such as https://example.org/hook'],
  ['[{ healthcheck: https://x/1, on: [start, drill] }]', 'found "drill" for healthcheck, allowed are start, success, failure'],
  ['[{ healthcheck: https://x/1, repeat: 1h }]', 'found "repeat" with healthcheck'],
  ['[{ slack: https://x, components: upload }]', 'did you mean "uploads"?'],
  ['[{ name: a, slack: https://x }, { name: a, slack: https://y }]', 'found the name "a" again'],
  ['[{ email: { to: a@b, server: "smtp://u:p@host" } }]', 'a mail server such as smtp://mail.example.org:587'],
  ['[{ slack: https://x, on: failures }]', 'did you mean "failure"?'],
])('%s', (notify, message) => {
  const parsed = parse(notify);
  const problems = 'problems' in parsed ? parsed.problems : [];
  expect(problems.map((problem) => problem.message).join('\n')).toContain(message);
});

test('an address that is mistyped is not shown', () => {
  const parsed = parse('[{ slack: hooks.slack.com/services/T0/B0/hush }, { webhook: { url: hush, headers: hush } }]');
  const problems = 'problems' in parsed ? parsed.problems : [];
  expect(problems).toHaveLength(3);
  expect(JSON.stringify(problems)).not.toContain('hush');
});
