import { expect, it } from 'vitest';
import { RequestSlots } from './request-slots.ts';

it('lets so many run, the others in line, and goes on after failures', async () => {
  const slots = new RequestSlots(2);
  let running = 0;
  let most = 0;
  const order: number[] = [];
  const work = (index: number) => async (): Promise<void> => {
    running += 1;
    most = Math.max(most, running);
    order.push(index);
    await Promise.resolve();
    await Promise.resolve();
    running -= 1;
    if (index % 3 === 0) throw new Error('failed');
  };
  const all = await Promise.allSettled(Array.from({ length: 12 }, (_, index) => slots.run(undefined, work(index))));
  expect(most).toBe(2);
  expect(order).toEqual(Array.from({ length: 12 }, (_, index) => index));
  expect(all.filter(({ status }) => status === 'rejected')).toHaveLength(4);
});

it('a signal takes a call out of the line, and no slot is lost', async () => {
  const slots = new RequestSlots(1);
  const first = Promise.withResolvers<void>();
  const running = slots.run(undefined, () => first.promise);
  const stop = new AbortController();
  let ran = false;
  const waiting = slots.run(stop.signal, async () => void (ran = true));
  const last = slots.run(undefined, async () => 'last');
  stop.abort();
  await expect(waiting).rejects.toMatchObject({ code: 'interrupted' });
  first.resolve();
  await running;
  expect(await last).toBe('last');
  expect(ran).toBe(false);
  expect(await slots.run(undefined, async () => 'again')).toBe('again');
});
