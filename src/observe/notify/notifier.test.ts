import { createServer, type IncomingMessage } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { freePort } from '../../../test/harness/programs/free-port.ts';
import type { Alarm } from './alarm.ts';
import type { AlarmStore } from './alarm-store.ts';
import { createMemoryAlarmStore } from './memory-alarm-store.ts';
import { createNotifier, type NotifierOptions } from './notifier.ts';
import type { Route } from './route.ts';
import { sampleAlarm } from './testing/sample-alarm.ts';

interface Received {
  readonly path: string;
  readonly body: string;
}

/* A real receiver: what it answers to a path can be changed. */
const received: Received[] = [];
const answers = new Map<string, number>();
const server = createServer((request, response) => void answer(request).then((status) => response.writeHead(status).end('heard')));
let base = '';

async function answer(request: IncomingMessage): Promise<number> {
  let body = '';
  for await (const chunk of request) body += String(chunk);
  const path = request.url ?? '';
  const status = answers.get(path) ?? 200;
  if (status === 200) received.push({ path, body });
  return status;
}

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  base = `http://127.0.0.1:${address.port}`;
});
afterAll(() => server.close());
beforeEach(() => {
  received.length = 0;
  answers.clear();
});

const start = new Date('2026-11-20T12:00:00Z');
const minute = 60_000;
const hour = 60 * minute;

function makeNotifier(routes: readonly Partial<Route>[], more: Partial<NotifierOptions> = {}) {
  let now = start;
  const options: NotifierOptions = {
    application: 'shop',
    routes: routes.map((route, index) => hook(`route-${index + 1}`, route)),
    store: createMemoryAlarmStore(),
    clock: { now: () => now },
    host: 'vault',
    timezone: 'UTC',
    patience: [],
    ...more,
  };
  return {
    notifier: createNotifier(options),
    options,
    at: (ms: number) => void (now = new Date(start.getTime() + ms)),
  };
}

function hook(name: string, route: Partial<Route>): Route {
  return { name, address: 'a hook', target: { kind: 'webhook', url: () => Promise.resolve(`${base}/${name}`) }, ...route };
}

function alarm(change: Partial<Alarm> = {}): Alarm {
  return sampleAlarm(start, change);
}

const bodySchema = z.looseObject({
  id: z.string(),
  state: z.string(),
  title: z.string(),
  more: z.number(),
  alarms: z.array(z.looseObject({ state: z.string(), title: z.string(), text: z.string() })),
});
const told = (route = '/route-1') => received.filter(({ path }) => path === route).map(({ body }) => bodySchema.parse(JSON.parse(body)));
const states = (route?: string) => told(route).map(({ alarms }) => alarms.map(({ state, title }) => `${state}: ${title}`));

describe('an alarm', () => {
  test('is told once after the time in which others may join it, again every four hours, and when it is resolved', async () => {
    const { notifier, at } = makeNotifier([{}]);
    notifier.raise(alarm());
    expect(await notifier.tick()).toEqual([]);
    at(10_000);
    notifier.raise(alarm({ key: 'space:offsite', event: 'space', severity: 'warning', title: 'Space is low' }));
    expect(notifier.nextWake()).toEqual(new Date(start.getTime() + 30_000));
    at(30_000);
    expect(await notifier.tick()).toEqual([{ route: 'route-1', ok: true, answer: '200 heard', told: 2 }]);
    expect(states()).toEqual([['open: Backup of database failed', 'open: Space is low']]);
    notifier.raise(alarm());
    at(3 * hour);
    await notifier.tick();
    expect(told()).toHaveLength(1);
    at(4 * hour + minute);
    await notifier.tick();
    at(4 * hour + 2 * minute);
    await notifier.tick();
    expect(states().slice(1)).toEqual([['still-open: Backup of database failed']]);
    expect(notifier.openAlarms().map(({ alarm: { key }, count }) => [key, count])).toEqual([
      ['failure:backup:database', 2],
      ['space:offsite', 1],
    ]);
    notifier.resolve('failure:backup:database', 'The next backup was well.');
    notifier.resolve('failure:backup:database', 'twice');
    at(4 * hour + 4 * minute);
    await notifier.tick();
    expect(told().at(-1)).toMatchObject({ state: 'resolved', title: '[RESOLVED] shop: Backup of database failed' });
    expect(told().at(-1)?.alarms[0]?.text).toBe('The next backup was well.');
    expect(notifier.openAlarms()).toHaveLength(1);
  });

  test('that gets worse is told at once, and one that is a warning a day later', async () => {
    const { notifier, at } = makeNotifier([{}]);
    notifier.raise(alarm({ severity: 'warning' }));
    await notifier.flush();
    at(5 * hour);
    await notifier.tick();
    expect(told()).toHaveLength(1);
    notifier.raise(alarm({ severity: 'critical' }));
    at(6 * hour);
    await notifier.tick();
    expect(told().map(({ title }) => title)).toEqual([
      '[WARNING] shop: Backup of database failed',
      '[CRITICAL] shop: Backup of database failed',
    ]);
  });

  test('reaches a route that is new in the configuration, and survives the process', async () => {
    const { notifier, options } = makeNotifier([{}]);
    notifier.raise(alarm());
    await notifier.flush();
    const later = createNotifier({ ...options, routes: [hook('route-1', {}), hook('route-2', {})] });
    await later.tick();
    await later.flush();
    expect([told('/route-1').length, told('/route-2').length]).toEqual([1, 1]);
    later.resolve('failure:backup:database', '');
    await later.flush();
    expect([states('/route-1'), states('/route-2')].map((each) => each.at(-1))).toEqual([
      ['resolved: Backup of database failed'],
      ['resolved: Backup of database failed'],
    ]);
  });

  test('of another configuration on the same host is not touched', async () => {
    const { notifier, options } = makeNotifier([{}]);
    notifier.raise(alarm());
    const other = createNotifier({ ...options, application: 'wiki', routes: [hook('other', {})] });
    other.resolve('failure:backup:database', '');
    await other.tick();
    await other.flush();
    expect(received).toEqual([]);
    expect(other.openAlarms()).toEqual([]);
    await notifier.flush();
    expect(told()).toHaveLength(1);
  });
});

describe('rules', () => {
  test.each<[string, Partial<Route>, Partial<Alarm>, boolean]>([
    ['an event that is usual', {}, { event: 'objective' }, true],
    ['a success is not usual', {}, { event: 'success', severity: 'info' }, false],
    ['a success that is wanted', { on: ['success'] }, { event: 'success', severity: 'info' }, true],
    ['an event that is not wanted', { on: ['success'] }, {}, false],
    ['less than is wanted', { severity: 'critical' }, { severity: 'warning' }, false],
    ['another component', { components: ['uploads'] }, {}, false],
    ['the component', { components: ['database'] }, {}, true],
  ])('%s', async (_, route, change, isTold) => {
    const { notifier } = makeNotifier([route]);
    notifier.raise(alarm(change));
    await notifier.flush();
    expect(told()).toHaveLength(isTold ? 1 : 0);
  });

  test('what concerns the whole application passes a choice of components', async () => {
    const { notifier } = makeNotifier([{ components: ['uploads'] }]);
    const { component: _, ...whole } = alarm();
    notifier.raise(whole);
    await notifier.flush();
    expect(told()).toHaveLength(1);
  });

  test('a machine hears of each alarm, people of the worst and how many more there are', async () => {
    const { notifier } = makeNotifier([{}, { target: { kind: 'slack', url: () => Promise.resolve(`${base}/people`) } }]);
    for (let count = 0; count < 50; count++) notifier.raise(alarm({ key: `k${count}`, title: `t${count}` }));
    await notifier.flush();
    expect(told().map(({ alarms, more }) => [alarms.length, more])).toEqual([
      [20, 0],
      [20, 0],
      [10, 0],
    ]);
    expect(received.filter(({ path }) => path === '/people')).toHaveLength(1);
  });

  test('quiet hours: only what is critical is told, the rest when they end', async () => {
    const { notifier, at } = makeNotifier([{ quiet: { from: 11 * 60, to: 14 * 60 } }]);
    notifier.raise(alarm({ key: 'a', severity: 'warning', title: 'a' }));
    notifier.raise(alarm({ key: 'b', title: 'b' }));
    at(minute);
    await notifier.tick();
    expect(states()).toEqual([['open: b']]);
    expect(notifier.nextWake()).toEqual(new Date('2026-11-20T14:00:00Z'));
    at(2 * hour);
    await notifier.tick();
    expect(states().slice(1)).toEqual([['open: a']]);
  });
});

describe('signs of life', () => {
  const pings = (): Partial<Route> => ({ target: { kind: 'healthcheck', url: () => Promise.resolve(`${base}/ping/1/`) } });

  test('are sent one by one, in order, each time', async () => {
    const { notifier } = makeNotifier([pings()]);
    for (const event of ['start', 'failure', 'start', 'failure', 'start', 'success'] as const)
      notifier.raise(alarm({ key: event, event, severity: event === 'failure' ? 'critical' : 'info' }));
    await notifier.tick();
    expect(received.map(({ path }) => path)).toEqual([
      '/ping/1/start',
      '/ping/1/fail',
      '/ping/1/start',
      '/ping/1/fail',
      '/ping/1/start',
      '/ping/1',
    ]);
  });

  test('that could not be sent: only the last says how it is', async () => {
    answers.set('/ping/1/start', 500);
    const { notifier, at } = makeNotifier([pings()]);
    notifier.raise(alarm({ event: 'start', severity: 'info' }));
    await notifier.tick();
    notifier.raise(alarm({ event: 'success', severity: 'info' }));
    at(2 * minute);
    await notifier.tick();
    expect(received.map(({ path }) => path)).toEqual(['/ping/1']);
  });

  test('of another component are not taken for those of this one', async () => {
    const { notifier } = makeNotifier([{ ...pings(), components: ['uploads'] }]);
    notifier.raise(alarm({ event: 'success', severity: 'info' }));
    await notifier.flush();
    expect(received).toEqual([]);
  });
});

describe('a route that fails', () => {
  test('throws nothing, is told through the others, is tried again later and later, and loses nothing', async () => {
    answers.set('/route-1', 503);
    const { notifier, at } = makeNotifier([{}, { on: ['success'] }]);
    notifier.raise(alarm());
    const [first, ...others] = await notifier.flush();
    expect(first).toEqual({ route: 'route-1', ok: false, answer: 'it answered 503 heard', told: 1 });
    expect(others).toHaveLength(1);
    expect(states('/route-2')).toEqual([['open: Alarms do not reach "route-1"']]);
    expect(notifier.routes()[0]).toMatchObject({ name: 'route-1', waiting: 1, failing: { attempts: 1, problem: 'it answered 503 heard' } });
    at(30_000);
    expect(await notifier.tick()).toEqual([]);
    at(2 * minute);
    expect(await notifier.tick()).toHaveLength(1);
    answers.clear();
    at(4 * minute);
    expect(await notifier.tick()).toEqual([]);
    at(8 * minute);
    await notifier.tick();
    expect(states('/route-1')).toEqual([['open: Backup of database failed']]);
    at(9 * minute);
    await notifier.tick();
    expect(states('/route-2').at(-1)).toEqual(['resolved: Alarms do not reach "route-1"']);
    expect(notifier.routes()[0]?.failing).toBeUndefined();
  });

  test('is tried three times at once, unless it says no', async () => {
    let count = 0;
    const busy = createServer((_, response) => response.writeHead(++count < 3 ? 502 : 200).end());
    await new Promise<void>((resolve) => busy.listen(0, '127.0.0.1', resolve));
    const address = busy.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    const target = { kind: 'slack', url: () => Promise.resolve(`http://127.0.0.1:${address.port}`) } as const;
    const { notifier } = makeNotifier([{ target }], { patience: [1, 1] });
    notifier.raise(alarm());
    expect(await notifier.flush()).toMatchObject([{ ok: true }]);
    expect(count).toBe(3);
    busy.close();
    answers.set('/route-1', 404);
    const refused = makeNotifier([{}], { patience: [60_000, 60_000] });
    refused.notifier.raise(alarm());
    expect(await refused.notifier.flush()).toMatchObject([{ ok: false, answer: 'it answered 404 heard' }]);
  });

  test('is given up after three days, and says how much was lost', async () => {
    answers.set('/route-1', 503);
    const { notifier, at } = makeNotifier([{}]);
    notifier.raise(alarm({ event: 'recovery', severity: 'info' }));
    await notifier.flush();
    at(73 * hour);
    await notifier.tick();
    expect(notifier.routes()[0]).toMatchObject({ waiting: 0, lost: 1 });
  });

  test('is not waited for when nothing answers, and neither address nor token is in what is told', async () => {
    const silent = createServer(() => {});
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const address = silent.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    const nobody = await freePort();
    const slow: Route = hook('slow', {
      target: { kind: 'slack', url: () => Promise.resolve(`http://127.0.0.1:${address.port}/hush-hush`) },
    });
    const gone: Route = hook('gone', {
      target: { kind: 'discord', url: () => Promise.resolve(`http://127.0.0.1:${nobody}/hush-hush?token=hush-hush`) },
    });
    const odd: Route = hook('odd', { target: { kind: 'teams', url: () => Promise.resolve('hush-hush') } });
    const unread: Route = hook('unread', {
      target: { kind: 'teams', url: () => Promise.reject(new Error('Cannot read a secret: the variable X is not set.')) },
    });
    const { notifier } = makeNotifier([], { routes: [slow, gone, odd, unread], withinMs: 300 });
    notifier.raise(alarm());
    const result = await notifier.flush();
    expect(result.map(({ ok }) => ok)).toEqual([false, false, false, false]);
    expect(JSON.stringify([result, notifier.routes(), notifier.openAlarms()])).not.toContain('hush');
    expect(result[0]?.answer).toBe('it did not answer within 0 s');
    expect(result[1]?.answer).toContain('ECONNREFUSED');
    expect(result[3]?.answer).toContain('the variable X is not set');
    silent.closeAllConnections();
    silent.close();
  });
});

test('two processes with one store do not tell the same twice', async () => {
  const { notifier, options } = makeNotifier([{}]);
  notifier.raise(alarm());
  await Promise.all([notifier.flush(), createNotifier(options).flush()]);
  expect(told()).toHaveLength(1);
});

describe('a store that cannot be written', () => {
  /* The disk is full: what is there can be read, and nothing can be added. */
  function makeFullStore() {
    const inner = createMemoryAlarmStore();
    const disk = { isFull: false };
    const refuse = (): void => {
      if (disk.isFull) throw new Error('database or disk is full');
    };
    const store: AlarmStore = {
      list: inner.list,
      put: (kind, document) => {
        refuse();
        inner.put(kind, document);
      },
      remove: (kind, id) => {
        refuse();
        inner.remove(kind, id);
      },
      transact: inner.transact,
    };
    return { store, disk, inner };
  }

  test('does not keep an alarm from being told, and is told itself; what was open goes on', async () => {
    const { store, disk, inner } = makeFullStore();
    const { notifier, at } = makeNotifier([{}], { store });
    notifier.raise(alarm());
    await notifier.flush();
    disk.isFull = true;
    notifier.raise(alarm({ key: 'space:state', event: 'space', title: 'The disk is full' }));
    await notifier.flush();
    expect(states().at(-1)).toEqual(['open: The disk is full', 'open: Alarms cannot be kept on disk']);
    notifier.raise(alarm());
    await notifier.flush();
    expect(told()).toHaveLength(2);
    expect(notifier.openAlarms()).toHaveLength(3);
    disk.isFull = false;
    at(minute);
    await notifier.tick();
    await notifier.flush();
    expect(states().at(-1)).toEqual(['resolved: Alarms cannot be kept on disk']);
    expect(inner.list('alarm')).toHaveLength(2);
    expect(inner.list('notice')).toEqual([]);
  });
});

test('a clock that was put back by a year silences nothing', async () => {
  const { notifier, at } = makeNotifier([{}]);
  notifier.raise(alarm());
  await notifier.flush();
  notifier.raise(alarm({ key: 'b', title: 'b' }));
  at(-365 * 24 * hour);
  expect(notifier.nextWake()).toEqual(new Date(start.getTime() - 365 * 24 * hour));
  await notifier.tick();
  expect(states().at(-1)).toContain('open: b');
});

test('a damaged document is passed over', async () => {
  const store = createMemoryAlarmStore();
  const { notifier } = makeNotifier([{}], { store });
  notifier.raise(alarm());
  for (const kind of ['alarm', 'notice', 'route'] as const) {
    const [document] = store.list(kind);
    store.put(kind, { id: `${(document?.id ?? 'x:').split(':')[0]}:y`, text: '{"key":' });
    store.put(kind, { id: `${(document?.id ?? 'x:').split(':')[0]}:z`, text: '{}' });
  }
  await notifier.flush();
  expect(told()).toHaveLength(1);
});

test('what is raised again and again does not grow the store', () => {
  const store = createMemoryAlarmStore();
  const { notifier } = makeNotifier([{}], { store });
  for (let count = 0; count < 1200; count++) notifier.raise(alarm({ key: 'n', event: 'recovery', severity: 'info' }));
  expect(store.list('notice').length).toBe(1000);
}, 120_000);

test('a test is really sent, past the rules, and changes nothing', async () => {
  answers.set('/route-2', 500);
  const { notifier } = makeNotifier([{ severity: 'critical', on: ['drill'] }, {}]);
  expect(await notifier.test()).toEqual([
    { route: 'route-1', ok: true, answer: '200 heard', told: 1 },
    { route: 'route-2', ok: false, answer: 'it answered 500 heard', told: 0 },
  ]);
  expect(told()[0]).toMatchObject({ state: 'note', title: 'shop: This is a test' });
  expect(await notifier.test(['route-1'])).toHaveLength(1);
  expect(notifier.openAlarms()).toEqual([]);
});
