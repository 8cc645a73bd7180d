/** Signs of life, for receivers that alarm when there are none. */
import { boundLine, boundText } from '../bound-alarm.ts';
import { textOf, type Message, type MessageItem } from '../compose-message.ts';
import { DeliveryFailure, type Delivery } from './delivery.ts';
import { sendRequest } from './send-request.ts';

interface Limits {
  readonly withinMs: number;
  readonly signal?: AbortSignal;
}

/** Healthchecks.io and its kin: `/start`, nothing, `/fail` behind the address. */
export async function sendHealthcheck(url: string, message: Message, limits: Limits): Promise<Delivery> {
  const event = message.items[0]?.event;
  const address = new URL(url);
  const suffix = event === 'start' ? '/start' : event === 'success' ? '' : '/fail';
  address.pathname = `${address.pathname.replace(/\/+$/, '')}${suffix}`;
  const { answer, text } = await sendRequest({
    url: address.href,
    body: boundText(textOf(message), 10_000),
    headers: { 'content-type': 'text/plain; charset=utf-8' },
    secrets: [url],
    ...limits,
  });
  // An address that nobody knows is answered with 200 too.
  if (/^OK \(.+\)/.test(text)) throw new DeliveryFailure(`it answered ${answer}`, { final: true });
  return { answer };
}

/** Uptime Kuma: up or down, as parameters. It has no word for a beginning. */
export async function sendKumaPush(url: string, message: Message, limits: Limits): Promise<Delivery> {
  const item: MessageItem | undefined = message.items[0];
  if (item?.event === 'start') return { answer: 'not told: Uptime Kuma knows no start' };
  const address = new URL(url);
  address.searchParams.set('status', item?.event === 'success' ? 'up' : 'down');
  address.searchParams.set('msg', boundLine(item?.title ?? '', 200));
  const { answer, text } = await sendRequest({ url: address.href, secrets: [url], ...limits });
  if (/"ok"\s*:\s*false/.test(text)) throw new DeliveryFailure(`it answered ${answer}`, { final: true });
  return { answer };
}
