import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { HoldfastError } from '../../errors.ts';
import { ok, type Check } from './check.ts';
import { runLooks, type Look } from './look.ts';

const { signal } = new AbortController();

function look(about: string, run: Look['run']): Look {
  return { group: 'host', about, run };
}

async function* stay(): AsyncGenerator<Check> {
  yield* await new Promise<Check[]>(() => {});
}

async function find(looks: readonly Look[], limits = { withinMs: 60_000, signal }): Promise<Check[]> {
  const found: Check[] = [];
  for await (const check of runLooks(looks, limits)) found.push(check);
  return found;
}

test('what they find comes in their order, however long each takes', async () => {
  const looks = Array.from({ length: 20 }, (_, at) =>
    look(`${at}`, async function* wait() {
      await sleep(20 - at);
      yield ok(`${at}: one`, 'well');
      yield ok(`${at}: two`, 'well');
    }),
  );
  const found = await find(looks);
  expect(found.map(({ name }) => name)).toEqual(looks.flatMap(({ about }) => [`${about}: one`, `${about}: two`]));
});

test('one that hangs is told with what it had found, is asked to end, and keeps nobody from being heard', async () => {
  let isEnded = false;
  const hanging = look('slow', async function* hang(end) {
    yield ok('slow: first', 'well');
    await new Promise((resolve) => end.addEventListener('abort', resolve));
    isEnded = true;
    yield ok('slow: last', 'well');
  });
  const deaf = look('deaf', () => stay());
  const found = await find([hanging, deaf, look('quick', () => [ok('quick: all', 'well')])], { withinMs: 300, signal });
  expect(found.map(({ name, status }) => [name, status])).toEqual([
    ['slow: first', 'ok'],
    ['slow: look', 'failed'],
    ['deaf: look', 'failed'],
    ['quick: all', 'ok'],
  ]);
  expect(found[1]?.what).toBe('no answer within 300 ms');
  expect(isEnded).toBe(true);
});

test('one that falls over is a failure of its own', async () => {
  const broken = look('broken', () => {
    throw new HoldfastError('catalog-failed', { path: '/state', reason: 'it is gone' });
  });
  expect(await find([broken, look('other', () => [ok('other: all', 'well')])])).toMatchObject([
    { name: 'broken: look', status: 'failed', what: 'Cannot use the history of this host in /state: it is gone' },
    { name: 'other: all' },
  ]);
});

test('an interruption ends all of it', async () => {
  const stop = new AbortController();
  const endless = look('endless', () => {
    stop.abort(new HoldfastError('interrupted'));
    return stay();
  });
  await expect(find([endless], { withinMs: 60_000, signal: stop.signal })).rejects.toThrow('the run was interrupted');
});
