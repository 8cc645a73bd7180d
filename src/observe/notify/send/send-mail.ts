/** A mail by SMTP. */
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import type { SMTPTransportOptions } from 'nodemailer';
import { z } from 'zod';
import { reasonOf } from '../../../errors.ts';
import { mailBody } from '../bodies/mail-body.ts';
import { boundLine } from '../bound-alarm.ts';
import type { Message } from '../compose-message.ts';
import type { MailTarget } from '../route.ts';
import { DeliveryFailure, scrub, type Delivery } from './delivery.ts';
import { isLoopback } from './loopback.ts';

/** What is used of nodemailer's transport. */
interface MailServer {
  sendMail(mail: ReturnType<typeof envelopeOf>): Promise<{ readonly response: string; readonly rejected: readonly string[] }>;
  verify(): Promise<unknown>;
}

const refusal = z.looseObject({ responseCode: z.number().optional(), response: z.string().optional(), code: z.string().optional() });

/** Sends it to all recipients at once. Throws `DeliveryFailure`. */
export async function sendMail(target: MailTarget, message: Message, limits: { readonly withinMs: number }): Promise<Delivery> {
  return withServer(target, limits, async (transport, secrets) => {
    const { response, rejected } = await transport.sendMail(envelopeOf(target, message));
    return {
      answer: boundLine(scrub(response, secrets), 200),
      ...(rejected.length === 0 ? {} : { problem: `it was not taken for ${rejected.join(', ')}` }),
    };
  });
}

/** Greets the server, encrypted and with the login as a mail would be sent, and sends none. Throws `DeliveryFailure`. */
export async function tryMailServer(target: MailTarget, limits: { readonly withinMs: number }): Promise<void> {
  await withServer(target, limits, (transport) => transport.verify());
}

async function withServer<Result>(
  target: MailTarget,
  { withinMs }: { readonly withinMs: number },
  work: (transport: MailServer, secrets: readonly string[]) => Promise<Result>,
): Promise<Result> {
  const { createTransport } = await import('nodemailer');
  const password = target.password === undefined ? undefined : await target.password();
  const secrets =
    password === undefined ? [] : [password, Buffer.from(password).toString('base64'), plainLogin(target.user ?? '', password)];
  const transport = createTransport(await optionsOf(target, password, withinMs));
  const limit = Promise.withResolvers<never>();
  const timer = setTimeout(() => limit.reject(new DeliveryFailure(`it did not answer within ${Math.round(withinMs / 1000)} s`)), withinMs);
  try {
    return await Promise.race([work(transport, secrets), limit.promise]);
  } catch (error) {
    if (error instanceof DeliveryFailure) throw error;
    const { responseCode, response } = refusal.safeParse(error).data ?? {};
    const reason = response === undefined ? reasonOf(error) : `it answered ${response}`;
    throw new DeliveryFailure(boundLine(scrub(reason, secrets), 300), { final: responseCode !== undefined && responseCode >= 500 });
  } finally {
    clearTimeout(timer);
    transport.close();
  }
}

async function optionsOf(target: MailTarget, password: string | undefined, withinMs: number): Promise<SMTPTransportOptions> {
  const url = new URL(target.server);
  const secure = url.protocol === 'smtps:';
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const isHere = isLoopback(url.hostname);
  if (password !== undefined && target.tls !== 'required' && !isHere && !secure)
    throw new DeliveryFailure(`a password is sent to another machine with tls: required only, and it is ${target.tls}`, { final: true });
  return {
    host,
    port: url.port === '' ? (secure ? 465 : isHere ? 25 : 587) : Number(url.port),
    secure,
    requireTLS: target.tls === 'required' && !secure,
    ignoreTLS: target.tls === 'none',
    ...(password === undefined || target.user === undefined ? {} : { auth: { user: target.user, pass: password } }),
    tls: {
      minVersion: 'TLSv1.2',
      // Encrypted where it can be, whoever it is: better than nothing, and what was asked for.
      rejectUnauthorized: target.tls === 'required',
      ...(isIP(host) === 0 ? { servername: host } : {}),
      ...(target.authority === undefined ? {} : { ca: await readAuthority(target.authority) }),
    },
    // The limit around all of it comes first, whose sentence says how long was waited; these only end what is left behind.
    ...Object.fromEntries(['connectionTimeout', 'greetingTimeout', 'socketTimeout', 'dnsTimeout'].map((limit) => [limit, 2 * withinMs])),
    disableFileAccess: true,
    disableUrlAccess: true,
  };
}

async function readAuthority(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    throw new DeliveryFailure(`the certificate of the authority cannot be read (${reasonOf(error)})`, { final: true });
  }
}

function envelopeOf({ from, recipients }: MailTarget, message: Message) {
  const { subject, text, html } = mailBody(message);
  const domain = /@([A-Za-z0-9.-]+)$/.exec(from)?.[1] ?? 'holdfast.invalid';
  return {
    from: { name: 'holdfast', address: from },
    to: recipients.map((address) => ({ name: '', address })),
    subject,
    text,
    html,
    messageId: `<${message.id}@${domain}>`,
    ...(message.thread === undefined ? {} : { inReplyTo: `<${message.thread}@${domain}>`, references: [`<${message.thread}@${domain}>`] }),
    attachments: message.attachments.map(({ name, text: content }) => ({ filename: name, content })),
    date: message.at,
    priority: message.state === 'open' && message.severity === 'critical' ? ('high' as const) : ('normal' as const),
    headers: { 'Auto-Submitted': 'auto-generated', 'X-Holdfast-State': message.state, 'X-Holdfast-Severity': message.severity },
  };
}

function plainLogin(user: string, password: string): string {
  return Buffer.from(`\0${user}\0${password}`).toString('base64');
}
