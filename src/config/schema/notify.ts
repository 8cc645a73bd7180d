/** Who is told what, and how. */
import { z } from 'zod';
import { alarmEvents } from '../../util/alarm-events.ts';
import { duration, exactlyOne, mapping, oneOrMany, onlyWith, rule, text, textLike, wordOf } from './parts.ts';
import { secret, secretMapping } from './shared.ts';

const address = textLike(/^[^\s@<>(),;:"\\]{1,64}@[^\s@<>(),;:"\\]{1,255}$/, 'an e-mail address');
const webAddress = textLike(/^https?:\/\/[^\s/]+\S*$/, 'a URL such as https://example.org/hook');
const secretAddress = z.union([webAddress, secretMapping], { error: 'a URL, or a mapping with file, env or command' });
const hours = 'two times of the day such as 22:00-06:00';

const email = z.union(
  [
    oneOrMany(address, 'an e-mail address, or a list of them'),
    onlyWith(
      mapping({
        to: oneOrMany(address, 'an e-mail address, or a list of them').meta({ description: 'Who gets it.' }),
        from: address.meta({ description: 'Whom it is from; `holdfast@` and the name of this machine by default.' }).optional(),
        server: textLike(/^smtps?:\/\/[^\s/@]+$/, 'a mail server such as smtp://mail.example.org:587')
          .meta({
            description:
              'The mail server: `smtp://HOST:587` (STARTTLS) or `smtps://HOST:465` (TLS from the start). By default the one of this machine, port 25.',
            examples: ['smtp://mail.example.org:587'],
          })
          .optional(),
        user: text('a name').meta({ description: 'Who logs in there.' }).optional(),
        password: secret.meta({ description: 'With `user`.' }).optional(),
        tls: wordOf(['required', 'offered', 'none'])
          .meta({
            description:
              '`required`: nothing is sent unencrypted. `offered`: encrypted where the server can. The server of this machine: `offered`, all others: `required`.',
          })
          .optional(),
        authority: text('a path')
          .meta({ description: 'A certificate that the one of the server is signed by, where no public authority did.' })
          .optional(),
      }),
      ['password'],
      ['user'],
    ),
  ],
  { error: 'an e-mail address, a list of them, or a mapping with to, from, server, user, password, tls, authority' },
);

const webhook = z.union(
  [
    webAddress,
    secretMapping,
    mapping({
      url: secretAddress.meta({ description: 'Where it is sent to.' }),
      secret: secret.meta({ description: 'Signs what is sent: `X-Holdfast-Signature`.' }).optional(),
      headers: z
        .record(textLike(/^[A-Za-z0-9-]{1,60}$/, 'the name of a header'), secret, { error: 'a mapping from names of headers to secrets' })
        .meta({ description: 'Headers to send along.', examples: [{ Authorization: { env: 'HOOK_TOKEN' } }] })
        .optional(),
    }),
  ],
  { error: 'a URL, or a mapping with url, secret, headers' },
);

const ntfy = z.union(
  [
    webAddress,
    secretMapping,
    mapping({
      url: secretAddress.meta({ description: 'Server and topic.', examples: ['https://ntfy.example.org/backups'] }),
      token: secret.meta({ description: 'Its access token.' }).optional(),
    }),
  ],
  { error: 'a URL, or a mapping with url, token' },
);

const alertmanager = z.union(
  [
    webAddress,
    secretMapping,
    mapping({
      url: secretAddress.meta({ description: 'Its address, without `/api/v2`.', examples: ['http://alertmanager:9093'] }),
      user: text('a name').meta({ description: 'Who logs in there.' }).optional(),
      password: secret.meta({ description: 'With `user`.' }).optional(),
      token: secret.meta({ description: 'A bearer token instead.' }).optional(),
    }),
  ],
  { error: 'a URL, or a mapping with url, user, password, token' },
);

const events = wordOf(alarmEvents);

export const notifyKinds = ['email', 'webhook', 'slack', 'teams', 'discord', 'ntfy', 'healthcheck', 'uptime-kuma', 'alertmanager'] as const;

/** Routes whose receiver waits for signs of life: they understand nothing else. */
const pingKinds = ['healthcheck', 'uptime-kuma'];
const pingEvents = ['start', 'success', 'failure'];

const routeMapping = mapping({
  'name': textLike(/^[A-Za-z][A-Za-z0-9_.-]{0,63}$/, 'a name of letters, digits, ".", "_" and "-" that begins with a letter')
    .meta({ description: 'For `holdfast notify test NAME`; after its kind by default.' })
    .optional(),
  'email': email.meta({ description: 'By e-mail.', examples: ['ops@example.org'] }).optional(),
  'webhook': webhook.meta({ description: 'JSON to a URL.' }).optional(),
  'slack': secretAddress.meta({ description: 'An incoming webhook of Slack.' }).optional(),
  'teams': secretAddress.meta({ description: 'A webhook of a Teams workflow.' }).optional(),
  'discord': secretAddress.meta({ description: 'A webhook of Discord.' }).optional(),
  'ntfy': ntfy.meta({ description: 'A topic of ntfy.' }).optional(),
  'healthcheck': secretAddress
    .meta({ description: 'A ping URL of Healthchecks.io or its kin: `/start`, success, `/fail`.', examples: ['https://hc-ping.com/…'] })
    .optional(),
  'uptime-kuma': secretAddress.meta({ description: 'A push URL of Uptime Kuma.' }).optional(),
  'alertmanager': alertmanager.meta({ description: 'A Prometheus Alertmanager.' }).optional(),
  'on': oneOrMany(events, alarmEvents.join(', '))
    .meta({
      description:
        'What is told. By default all but `start` and `success`; to `healthcheck` and `uptime-kuma`, which know no others: `start`, `success`, `failure`.',
    })
    .optional(),
  'components': oneOrMany(text('the name of a component'), 'a component, or a list of components')
    .meta({ description: 'Only of these components, and of the application as a whole.' })
    .optional(),
  'severity': wordOf(['info', 'warning', 'critical']).meta({ description: 'Only what is at least so bad.', default: 'info' }).optional(),
  'repeat': duration()
    .meta({ description: 'How often an alarm that stays is told again: by default every day, and every 4 hours where it is critical.' })
    .optional(),
  'quiet': textLike(/^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$/, hours)
    .meta({ description: 'Between these times of the day what is not critical waits.', examples: ['22:00-06:00'] })
    .optional(),
});

const route = rule(exactlyOne(routeMapping, notifyKinds), (value) => {
  const ping = pingKinds.find((kind) => kind in value);
  if (ping === undefined) return undefined;
  const told: readonly unknown[] = Array.isArray(value.on) ? value.on : [value.on];
  const stray = told.find((event) => typeof event === 'string' && !pingEvents.includes(event));
  if (stray !== undefined) return { at: 'on', found: `${JSON.stringify(stray)} for ${ping}`, allowed: pingEvents.join(', ') };
  const late = ['severity', 'repeat', 'quiet'].find((key) => key in value);
  return late === undefined ? undefined : { at: late, found: `"${late}" with ${ping}`, allowed: 'name, on, components' };
});

export const notify = z.array(route, { error: 'a list' }).meta({ description: 'Who is told what. Try it with `holdfast notify test`.' });

export type WrittenNotify = z.infer<typeof route>;
