import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { makeCertificate, type CertificateFiles } from '../../../../test/harness/watch/make-certificate.ts';
import { startSmtpServer, type SmtpOptions, type SmtpServer } from '../../../../test/harness/watch/smtp-server.ts';
import { boundAlarm } from '../bound-alarm.ts';
import { composeMessage } from '../compose-message.ts';
import { createMemoryAlarmStore } from '../memory-alarm-store.ts';
import { createNotifier } from '../notifier.ts';
import type { MailTarget } from '../route.ts';
import { deliver } from './deliver.ts';

const now = new Date('2026-11-20T12:00:00Z');
let folder = '';
let files: CertificateFiles;
let server: SmtpServer | undefined;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-mail-'));
  files = makeCertificate(folder);
});
afterEach(() => server?.stop());
afterAll(() => rm(folder, { recursive: true, force: true }));

const login = { user: 'holdfast', password: 'a-password-of-mail' };

async function start(options: SmtpOptions): Promise<SmtpServer> {
  server = await startSmtpServer(options);
  return server;
}

function targetOf({ port }: SmtpServer, change: Partial<MailTarget> = {}): MailTarget {
  return {
    kind: 'email',
    recipients: ['ops@example.org', 'boss@example.org'],
    from: 'holdfast@vault.example',
    server: `smtp://127.0.0.1:${port}`,
    user: login.user,
    password: () => Promise.resolve(login.password),
    tls: 'required',
    authority: files.authority,
    ...change,
  };
}

function messageOf(title = 'Backup of database failed', text = 'Cannot reach the server.\nStart it.') {
  const alarm = boundAlarm({
    key: 'k',
    event: 'failure',
    severity: 'critical',
    application: 'shop',
    component: 'database',
    title,
    text,
    facts: { repository: 'offsite <b>', größe: '12 KB' },
    at: now,
  });
  return composeMessage([{ id: 'n', route: 'r', what: 'raised', alarm, since: now, queued: now, due: now }], { host: 'vault', now });
}

const limits = { withinMs: 20_000 };
/** The server has said that it keeps it, and is about to tell us. */
const arrived = (smtp: SmtpServer) => expect.poll(() => smtp.mails.length, { timeout: 20_000 }).toBe(1);

test.each<[string, SmtpOptions & { readonly implicit?: boolean }]>([
  ['STARTTLS', {}],
  ['TLS from the start', { implicit: true }],
])('a mail by %s, with a login, to everybody at once', async (_, more) => {
  const smtp = await start({ certificate: files.certificate, key: files.key, ...login, ...more });
  const scheme = more.implicit === true ? 'smtps' : 'smtp';
  const { answer } = await deliver(targetOf(smtp, { server: `${scheme}://localhost:${smtp.port}` }), messageOf(), limits);
  expect(answer).toBe('250 2.0.0 kept');
  await arrived(smtp);
  expect(smtp.mails).toMatchObject([
    { from: 'holdfast@vault.example', to: ['ops@example.org', 'boss@example.org'], encrypted: true, user: 'holdfast' },
  ]);
  const data = smtp.mails[0]?.data ?? '';
  expect(data).toMatch(/^Subject: \[CRITICAL\] shop: Backup of database failed\r?$/m);
  expect(data).toMatch(/^Auto-Submitted: auto-generated\r?$/m);
  expect(data).toMatch(/^Message-ID: <[0-9a-f]{32}@vault\.example>\r?$/m);
  expect(data).toContain('multipart/alternative');
});

test('what a name contains is neither a header nor markup', async () => {
  const smtp = await start({ certificate: files.certificate, key: files.key, ...login });
  const message = messageOf('a\r\nBcc: evil@example.org\r\n\r\n<script>x</script>', '<img src=x onerror=y> & "quotes"');
  await deliver(targetOf(smtp, { recipients: ['ops@example.org'] }), message, limits);
  await arrived(smtp);
  const [mail] = smtp.mails;
  expect(mail?.to).toEqual(['ops@example.org']);
  const [head = '', ...rest] = (mail?.data ?? '').replaceAll('\r\n', '\n').split('\n\n');
  expect(head).not.toMatch(/^Bcc:/m);
  const body = rest.join('\n\n').replaceAll('=\n', '').replaceAll('=3D', '=');
  const html = body.slice(body.indexOf('<!doctype'));
  expect(html).toContain('&lt;img src=x onerror=y&gt; &amp; &quot;quotes&quot;');
  expect(html).not.toMatch(/<script|<img|<b>/);
});

test('a wrong password is told without it', async () => {
  const smtp = await start({ certificate: files.certificate, key: files.key, ...login, password: 'another' });
  const failure = await deliver(targetOf(smtp), messageOf(), limits).catch((error: unknown) => error);
  expect(failure).toMatchObject({ name: 'DeliveryFailure', final: true });
  expect(String(failure)).toContain('535');
  expect(String(failure)).not.toContain(login.password);
  expect(smtp.mails).toEqual([]);
});

test('a server whose certificate nobody vouches for gets nothing', async () => {
  const smtp = await start({ certificate: files.certificate, key: files.key, ...login });
  const { authority: _, ...target } = targetOf(smtp);
  await expect(deliver(target, messageOf(), limits)).rejects.toThrow(/certificate/);
  expect(smtp.mails).toEqual([]);
});

test('a server without TLS gets nothing where TLS is required, and a mail where it is only wished for', async () => {
  const smtp = await start({});
  const { user: _, password: __, ...target } = targetOf(smtp);
  await expect(deliver(target, messageOf(), limits)).rejects.toThrow(/TLS/);
  expect(smtp.mails).toEqual([]);
  await deliver({ ...target, tls: 'offered' }, messageOf(), limits);
  await arrived(smtp);
  expect(smtp.mails).toMatchObject([{ encrypted: false }]);
});

test('a password is not sent to another machine where it could be read on the way', async () => {
  const smtp = await start({});
  const target = targetOf(smtp, { server: 'smtp://mail.invalid:25', tls: 'offered' });
  await expect(deliver(target, messageOf(), limits)).rejects.toThrow('with tls: required only');
});

test('a recipient that is refused is told, and the others have it', async () => {
  const smtp = await start({ certificate: files.certificate, key: files.key, ...login, refused: ['boss@example.org'] });
  expect(await deliver(targetOf(smtp), messageOf(), limits)).toEqual({
    answer: '250 2.0.0 kept',
    problem: 'it was not taken for boss@example.org',
  });
  await arrived(smtp);
  expect(smtp.mails).toMatchObject([{ to: ['ops@example.org'] }]);
});

test('an alarm on its whole way: one recipient is refused, the other has every mail at once', async () => {
  const smtp = await start({ certificate: files.certificate, key: files.key, ...login, refused: ['boss@example.org'] });
  const route = { name: 'mail', address: 'ops@example.org, boss@example.org', target: targetOf(smtp) };
  const notifier = createNotifier({
    application: 'shop',
    routes: [route],
    store: createMemoryAlarmStore(),
    clock: { now: () => now },
    host: 'vault',
  });
  const alarm = {
    key: 'k',
    event: 'failure',
    severity: 'critical',
    application: 'shop',
    title: 'It failed',
    text: '',
    facts: {},
    at: now,
  } as const;
  notifier.raise(alarm);
  expect(await notifier.flush()).toEqual([{ route: 'mail', ok: false, answer: 'it was not taken for boss@example.org', told: 1 }]);
  expect(notifier.routes()).toMatchObject([{ waiting: 0, failing: { problem: 'it was not taken for boss@example.org', nextTry: now } }]);
  notifier.resolve('k', 'It was well.');
  await notifier.flush();
  await expect
    .poll(() => smtp.mails.map(({ data }) => /^Subject: (.*?)\r?$/m.exec(data)?.[1]), { timeout: 20_000 })
    .toEqual(['[CRITICAL] shop: It failed', '[RESOLVED] shop: It failed']);
});

test('a server that says nothing is not waited for', async () => {
  const smtp = await start({});
  const silent = createServer(() => {});
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const address = silent.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const target = targetOf(smtp, { server: `smtp://127.0.0.1:${address.port}` });
  await expect(deliver(target, messageOf(), { withinMs: 300 })).rejects.toThrow(/time|within/i);
  silent.close();
});
