/** One message to one route, in the form of its receiver. */
import { reasonOf } from '../../../errors.ts';
import { alertmanagerBody } from '../bodies/alertmanager-body.ts';
import { discordBody } from '../bodies/discord-body.ts';
import { ntfyBody } from '../bodies/ntfy-body.ts';
import { slackBody } from '../bodies/slack-body.ts';
import { teamsBody } from '../bodies/teams-body.ts';
import { signBody, webhookBody } from '../bodies/webhook-body.ts';
import { boundLine } from '../bound-alarm.ts';
import type { Message } from '../compose-message.ts';
import type { AlertmanagerTarget, RouteTarget, SecretReader } from '../route.ts';
import { DeliveryFailure, type Delivery } from './delivery.ts';
import { basicLogin, isWebAddress, sendRequest } from './send-request.ts';

export interface DeliveryLimits {
  /** Milliseconds that one attempt may take. */
  readonly withinMs: number;
  readonly signal?: AbortSignal;
}

/** Throws `DeliveryFailure`, in which no secret stands. */
export async function deliver(target: RouteTarget, message: Message, limits: DeliveryLimits): Promise<Delivery> {
  try {
    return await deliverTo(target, message, limits);
  } catch (error) {
    // What could not be read of a secret says so without it; whatever else is thrown is told by its kind alone.
    if (error instanceof DeliveryFailure) throw error;
    throw new DeliveryFailure(boundLine(reasonOf(error), 300));
  }
}

async function deliverTo(target: RouteTarget, message: Message, limits: DeliveryLimits): Promise<Delivery> {
  switch (target.kind) {
    case 'email': {
      const { sendMail } = await import('./send-mail.ts');
      return sendMail(target, message, limits);
    }
    case 'healthcheck': {
      const { sendHealthcheck } = await import('./send-ping.ts');
      return sendHealthcheck(await addressOf(target.url), message, limits);
    }
    case 'uptime-kuma': {
      const { sendKumaPush } = await import('./send-ping.ts');
      return sendKumaPush(await addressOf(target.url), message, limits);
    }
    case 'slack':
      return sendJson(await addressOf(target.url), slackBody(message), limits);
    case 'teams':
      return sendJson(await addressOf(target.url), teamsBody(message), limits);
    case 'discord':
      return sendJson(await addressOf(target.url), discordBody(message), limits);
    case 'ntfy':
      return sendToNtfy(await addressOf(target.url), await target.token?.(), message, limits);
    case 'webhook':
      return sendToWebhook(target, message, limits);
    case 'alertmanager':
      return sendToAlertmanager(target, message, limits);
  }
}

interface JsonOptions extends DeliveryLimits {
  readonly headers?: Readonly<Record<string, string>>;
  readonly secrets?: readonly string[];
}

async function sendJson(url: string, body: object, { headers = {}, secrets = [], ...limits }: JsonOptions): Promise<Delivery> {
  const { answer } = await sendRequest({
    url,
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json', ...headers },
    secrets,
    ...limits,
  });
  return { answer };
}

function sendToNtfy(url: string, token: string | undefined, message: Message, limits: DeliveryLimits): Promise<Delivery> {
  const address = new URL(url);
  const [, base = '', topic = ''] = /^(.*)\/([^/]+)\/*$/.exec(address.pathname) ?? [];
  if (topic === '') throw new DeliveryFailure('its address has no topic at its end', { final: true });
  address.pathname = `${base}/`;
  const secrets = [url, topic, ...(token === undefined ? [] : [token])];
  return sendJson(address.href, ntfyBody(message, decodeURIComponent(topic)), {
    ...limits,
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    secrets,
  });
}

async function sendToWebhook(
  { url, secret, headers = {} }: Extract<RouteTarget, { readonly kind: 'webhook' }>,
  message: Message,
  limits: DeliveryLimits,
): Promise<Delivery> {
  const body = webhookBody(message);
  const own: Record<string, string> = {};
  for (const [name, read] of Object.entries(headers)) own[name.toLowerCase()] = await read();
  const key = await secret?.();
  const timestamp = String(Math.floor(message.at.getTime() / 1000));
  const signature =
    key === undefined ? {} : { 'x-holdfast-timestamp': timestamp, 'x-holdfast-signature': signBody(key, timestamp, JSON.stringify(body)) };
  return sendJson(await addressOf(url), body, {
    ...limits,
    headers: { ...own, 'x-holdfast-id': message.id, ...signature },
    secrets: [...Object.values(own), ...(key === undefined ? [] : [key])],
  });
}

async function sendToAlertmanager(
  { url, user, password, token }: AlertmanagerTarget,
  message: Message,
  limits: DeliveryLimits,
): Promise<Delivery> {
  const address = new URL(await addressOf(url));
  address.pathname = `${address.pathname.replace(/\/+$/, '')}/api/v2/alerts`;
  const [secret, bearer] = [await password?.(), await token?.()];
  const login = bearer !== undefined ? `Bearer ${bearer}` : user === undefined ? undefined : basicLogin(user, secret ?? '');
  const alerts = alertmanagerBody(message);
  return sendJson(address.href, alerts, {
    ...limits,
    headers: login === undefined ? {} : { authorization: login },
    secrets: [secret, bearer].filter((value) => value !== undefined),
  });
}

/** Throws where it is none. */
async function addressOf(read: SecretReader): Promise<string> {
  const address = (await read()).trim();
  if (!isWebAddress(address)) throw new DeliveryFailure('its address is no http or https URL', { final: true });
  return address;
}
