import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Configuration } from '../../config/configuration.ts';
import { parseConfiguration } from '../../config/parse-configuration.ts';
import { notifyRoutes } from './notify-routes.ts';

const head = 'application: shop\nrepositories: { r: ./b }\ncomponents: { uploads: { files: u } }\n';

function parse(notify: string): Configuration {
  const parsed = parseConfiguration(`${head}notify:\n${notify}`, { file: join(tmpdir(), 'holdfast.yaml'), environment: {} });
  if ('problems' in parsed) throw new Error(JSON.stringify(parsed.problems));
  return parsed.configuration;
}

test('secrets are read when they are needed, and no address shows one', async () => {
  const configuration = parse(`
  - { slack: https://hooks.example/services/hush }
  - { slack: { env: HOOK } }
  - { webhook: { url: { command: echo https://x.example/hush }, secret: { value: hush } } }
  - { discord: { file: /run/hush } }
  - { ntfy: { url: https://ntfy.example/hush, token: hush } }
  - { alertmanager: { url: http://am:9093, user: me, password: hush } }
`);
  const routes = notifyRoutes(configuration, { environment: { PATH: process.env['PATH'], HOOK: 'https://hooks.example/2' } });
  expect(routes.map(({ name, address }) => [name, address])).toEqual([
    ['slack', 'https://hooks.example/…'],
    ['slack-2', '$HOOK'],
    ['webhook', 'what its command prints'],
    ['discord', 'what /run/hush says'],
    ['ntfy', 'https://ntfy.example/…'],
    ['alertmanager', 'http://am:9093'],
  ]);
  const second = routes[1]?.target;
  expect(second?.kind === 'slack' && (await second.url())).toBe('https://hooks.example/2');
  const third = routes[2]?.target;
  expect(third?.kind === 'webhook' && [await third.url(), await third.secret?.()]).toEqual(['https://x.example/hush', 'hush']);
  const fourth = routes[3]?.target;
  await expect(fourth?.kind === 'discord' ? fourth.url() : undefined).rejects.toMatchObject({ code: 'secret-unreadable' });
});

test('mail goes to the server of this machine where none is named, and to others encrypted', () => {
  const routes = notifyRoutes(
    parse(`
  - { email: ops@example.org, quiet: 22:00-06:00, repeat: 1h, severity: warning, components: uploads }
  - { email: { to: [a@b.c], server: "smtp://mail.example.org" } }
`),
    { environment: {} },
  );
  expect(routes).toMatchObject([
    {
      name: 'email',
      address: 'ops@example.org',
      quiet: { from: 1320, to: 360 },
      repeatMs: 3_600_000,
      severity: 'warning',
      components: ['uploads'],
      target: { server: 'smtp://localhost', tls: 'offered', recipients: ['ops@example.org'] },
    },
    { name: 'email-2', target: { server: 'smtp://mail.example.org', tls: 'required' } },
  ]);
});
