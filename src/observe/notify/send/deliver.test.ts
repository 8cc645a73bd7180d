/** What receivers of messages get, compared with the forms that they document. */
import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { startHookServer, type HookServer } from '../../../../test/harness/watch/hook-server.ts';
import type { Alarm } from '../alarm.ts';
import type { Notice } from '../alarm-documents.ts';
import { boundAlarm } from '../bound-alarm.ts';
import { composeMessage, type Message } from '../compose-message.ts';
import { sampleAlarm } from '../testing/sample-alarm.ts';
import { deliver } from './deliver.ts';
import { scrub } from './delivery.ts';

const now = new Date('2026-11-20T12:00:00Z');
const limits = { withinMs: 20_000 };
let hook: HookServer;
let answer: readonly [number, string] = [200, 'ok'];

beforeAll(async () => {
  hook = await startHookServer(() => answer);
});
beforeEach(() => {
  hook.requests.length = 0;
  answer = [200, 'ok'];
});
afterAll(() => hook.stop());

function noticeOf(change: Partial<Alarm> = {}, what: Notice['what'] = 'raised', id = 'n'): Notice {
  const alarm = boundAlarm(sampleAlarm(now, change));
  return { id, route: 'r', what, alarm, since: alarm.at, queued: now, due: now, ...(what === 'resolved' ? { end: 'It was well.' } : {}) };
}

function messageOf(...notices: Notice[]): Message {
  return composeMessage(notices.length === 0 ? [noticeOf()] : notices, { host: 'vault', now });
}

const at = (path: string) => () => Promise.resolve(`${hook.url}${path}`);
const hostile = noticeOf({
  component: '@everyone',
  title: '<!channel> @everyone *bold* [click](https://evil.example)',
  text: '<!here|here> <@U1> @here `code`\n\u202egnp.exe\u0007',
  facts: { '<@&1>': '@everyone' },
});
const long = Array.from({ length: 60 }, (_, index) =>
  noticeOf(
    {
      key: `k${index}`,
      title: 'ä'.repeat(500),
      text: '🙂*'.repeat(5000),
      facts: Object.fromEntries(Array.from({ length: 50 }, (__, fact) => [`fact ${fact}`, '_x'.repeat(1000)])),
    },
    'raised',
    `n${index}`,
  ),
);

/** The one request that came, and its body as it should be. */
async function sent<Body>(kind: 'slack' | 'teams' | 'discord', message: Message, schema: z.ZodType<Body>): Promise<Body> {
  await deliver({ kind, url: at('/hook/secret-path') }, message, limits);
  expect(hook.requests).toHaveLength(1);
  const [request] = hook.requests;
  hook.requests.length = 0;
  expect(request).toMatchObject({ method: 'POST', path: '/hook/secret-path', headers: { 'content-type': 'application/json' } });
  return schema.parse(JSON.parse(request?.body ?? ''));
}

describe('Slack', () => {
  const plain = (most: number) =>
    z.strictObject({ type: z.literal('plain_text'), text: z.string().min(1).max(most), emoji: z.literal(false) });
  const form = z.strictObject({
    text: z.string().min(1).max(4000),
    blocks: z
      .array(
        z.discriminatedUnion('type', [
          z.strictObject({ type: z.literal('header'), text: plain(150) }),
          z.strictObject({ type: z.literal('section'), text: plain(3000), fields: z.array(plain(2000)).min(1).max(10).optional() }),
          z.strictObject({ type: z.literal('context'), elements: z.array(plain(3000)).max(10) }),
        ]),
      )
      .max(50),
  });

  test('takes its blocks, also of what is long', async () => {
    const body = await sent('slack', messageOf(), form);
    expect(body.text).toBe('[CRITICAL] shop: Backup of database failed');
    expect(JSON.stringify(body.blocks)).toContain('repository: offsite');
    expect(JSON.stringify(await sent('slack', messageOf(...long), form))).toContain('and 40 more');
  });

  test('calls nobody', async () => {
    const body = await sent('slack', messageOf(hostile), form);
    expect(body.text).toContain('&lt;!channel&gt;');
    expect(body.text).not.toMatch(/[<>]/);
    expect(JSON.stringify(body)).not.toMatch(/\u202e|\u0007|mrkdwn/);
  });
});

describe('Discord', () => {
  const embed = z.strictObject({
    title: z.string().max(256),
    description: z.string().max(4096),
    color: z.int(),
    fields: z.array(z.strictObject({ name: z.string().min(1).max(256), value: z.string().min(1).max(1024), inline: z.boolean() })).max(25),
    timestamp: z.iso.datetime(),
  });
  const form = z.strictObject({
    content: z.string().max(2000),
    username: z.string().min(1).max(80),
    embeds: z.array(embed).min(1).max(10),
    allowed_mentions: z.strictObject({ parse: z.tuple([]) }),
  });

  test('takes its embeds, also of what is long: 6000 characters in all', async () => {
    await sent('discord', messageOf(), form);
    const { embeds } = await sent('discord', messageOf(...long), form);
    const length = embeds.reduce(
      (sum, { title, description, fields }) =>
        sum + title.length + description.length + fields.reduce((all, { name, value }) => all + name.length + value.length, 0),
      0,
    );
    expect(length).toBeLessThanOrEqual(6000);
  });

  test('calls nobody', async () => {
    const body = await sent('discord', messageOf(hostile), form);
    expect(body.allowed_mentions).toEqual({ parse: [] });
    expect(body.embeds[0]?.title).toContain(String.raw`\[click\]\(https`);
  });
});

describe('Teams', () => {
  const text = z.looseObject({ type: z.literal('TextBlock'), text: z.string(), wrap: z.literal(true) });
  const facts = z.strictObject({
    type: z.literal('FactSet'),
    facts: z.array(z.strictObject({ title: z.string(), value: z.string() })).min(1),
  });
  const form = z.strictObject({
    type: z.literal('message'),
    attachments: z.tuple([
      z.strictObject({
        contentType: z.literal('application/vnd.microsoft.card.adaptive'),
        contentUrl: z.null(),
        content: z.strictObject({
          $schema: z.string(),
          type: z.literal('AdaptiveCard'),
          version: z.string().regex(/^1\.\d$/),
          fallbackText: z.string(),
          body: z.array(z.union([text, facts])),
        }),
      }),
    ]),
  });

  test('takes its card, of at most 28 KB', async () => {
    answer = [202, ''];
    await sent('teams', messageOf(), form);
    const body = await sent('teams', messageOf(...long), form);
    expect(Buffer.byteLength(JSON.stringify(body))).toBeLessThan(28_000);
  });

  test('calls nobody, and shows links of others as text', async () => {
    const body = JSON.stringify(await sent('teams', messageOf(hostile), form));
    expect(body).toContain(String.raw`\\[click\\]`);
    expect(body).not.toContain('<');
  });
});

test('ntfy: as JSON at the root, with the token, at most 4096 bytes', async () => {
  const form = z.strictObject({
    topic: z.literal('backups'),
    title: z.string(),
    message: z.string(),
    priority: z.int().min(1).max(5),
    tags: z.array(z.string()),
  });
  const target = { kind: 'ntfy', url: at('/under/backups'), token: () => Promise.resolve('tk_hush') } as const;
  await deliver(target, messageOf(), limits);
  await deliver(target, messageOf(...long), limits);
  expect(hook.requests.map(({ path, headers }) => [path, headers.authorization])).toEqual([
    ['/under/', 'Bearer tk_hush'],
    ['/under/', 'Bearer tk_hush'],
  ]);
  const [first, second] = hook.requests.map(({ body }) => form.parse(JSON.parse(body)));
  expect(first).toMatchObject({ priority: 5, tags: ['rotating_light'], title: '[CRITICAL] shop: Backup of database failed' });
  expect(Buffer.byteLength(second?.message ?? '')).toBeLessThanOrEqual(4096);
  await expect(deliver({ kind: 'ntfy', url: at('/') }, messageOf(), limits)).rejects.toThrow('no topic');
});

test('a webhook: signed, with headers of its own, and an id that stays the same when it is sent again', async () => {
  const target = {
    kind: 'webhook',
    url: at('/hook'),
    secret: () => Promise.resolve('sign-with-this'),
    headers: { 'X-Token': () => Promise.resolve('t') },
  } as const;
  const message = messageOf(noticeOf(), noticeOf({ key: 'b', severity: 'warning', title: 'Space is low' }, 'resolved', 'm'));
  await deliver(target, message, limits);
  const [request] = hook.requests;
  if (request === undefined) throw new Error('nothing came');
  const { body, headers } = request;
  const timestamp = String(headers['x-holdfast-timestamp']);
  expect(headers['x-holdfast-signature']).toBe(
    `sha256=${createHmac('sha256', 'sign-with-this').update(`${timestamp}.${body}`).digest('hex')}`,
  );
  expect(headers).toMatchObject({ 'x-token': 't', 'x-holdfast-id': message.id });
  expect(JSON.parse(body)).toMatchObject({
    version: 1,
    application: 'shop',
    host: 'vault',
    state: 'open',
    severity: 'critical',
    title: '[CRITICAL] shop: Backup of database failed (1 open, 1 resolved)',
    alarms: [
      { state: 'open', key: 'failure:backup:database', component: 'database', facts: { repository: 'offsite' }, at: now.toISOString() },
      { state: 'resolved', text: 'It was well.' },
    ],
    more: 0,
  });
});

describe('signs of life', () => {
  const success = noticeOf({ event: 'success', severity: 'info' }, 'note');

  test('healthcheck: an address that nobody knows is answered with 200, and is a failure all the same', async () => {
    const target = { kind: 'healthcheck', url: at('/ping/1') } as const;
    expect(await deliver(target, messageOf(success), limits)).toEqual({ answer: '200 ok' });
    answer = [200, 'OK (not found)'];
    await expect(deliver(target, messageOf(success), limits)).rejects.toThrow('OK (not found)');
  });

  test('Uptime Kuma: up and down, as parameters', async () => {
    answer = [200, '{"ok":true}'];
    const target = { kind: 'uptime-kuma', url: at('/api/push/key?status=up&msg=OK&ping=') } as const;
    await deliver(target, messageOf(success), limits);
    await deliver(target, messageOf(), limits);
    await deliver(target, messageOf(noticeOf({ event: 'start', severity: 'info' }, 'note')), limits);
    expect(hook.requests.map(({ path }) => path)).toEqual([
      '/api/push/key?status=up&msg=Backup+of+database+failed&ping=',
      '/api/push/key?status=down&msg=Backup+of+database+failed&ping=',
    ]);
    answer = [200, '{"ok":false,"msg":"Monitor not found"}'];
    await expect(deliver(target, messageOf(), limits)).rejects.toThrow('Monitor not found');
  });
});

describe('what a receiver answers', () => {
  test('is told without what must not be known, and not for long', async () => {
    answer = [403, `no access to ${hook.url}/hook/secret-path (/hook/secret-path)\n${'x'.repeat(100_000)}`];
    const failure = await deliver({ kind: 'slack', url: at('/hook/secret-path') }, messageOf(), limits).then(
      () => 'it was taken',
      (error: unknown) => String(error),
    );
    expect(failure).toContain('it answered 403 no access to ***');
    expect(failure).not.toContain('secret-path');
    expect(failure.length).toBeLessThan(300);
  });

  test('that it went elsewhere is not followed', async () => {
    answer = [302, ''];
    await expect(deliver({ kind: 'slack', url: at('/hook') }, messageOf(), limits)).rejects.toThrow('it answered 302');
    expect(hook.requests).toHaveLength(1);
  });

  test('a login in an address is a login', async () => {
    const url = hook.url.replace('http://', 'http://me:pass%20word@');
    await deliver({ kind: 'slack', url: () => Promise.resolve(`${url}/hook`) }, messageOf(), limits);
    expect(hook.requests[0]?.headers.authorization).toBe(`Basic ${Buffer.from('me:pass word').toString('base64')}`);
  });

  test('secrets are masked whole and in parts', () => {
    expect(
      scrub('to https://h.example/services/T0000/abcdef or /services/T0000/abcdef or abcdef', ['https://h.example/services/T0000/abcdef']),
    ).toBe('to *** or *** or ***');
  });
});
