/** The daemon's HTTP interface: where it listens, and who may use it. */
import type { z } from 'zod';
import { mapping, oneOrMany, textLike, wordOf } from './parts.ts';
import { secret } from './shared.ts';

const roles = ['viewer', 'operator', 'admin'] as const;

const token = mapping({
  name: textLike(/^[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}$/, 'a name of letters, digits, ".", "_", "@" and "-"').meta({
    description: 'Whose token it is: it stands in the audit trail.',
    examples: ['grafana'],
  }),
  role: wordOf(roles)
    .meta({
      description: '`viewer` reads, `operator` also starts jobs, `admin` also cancels runs and reloads the configuration.',
      default: 'viewer',
    })
    .optional(),
  token: secret.meta({ description: 'The token itself: 16 characters at least. Make one with: `openssl rand -hex 24`.' }),
});

export const serve = mapping({
  listen: textLike(/^(?:\[[0-9A-Fa-f:.]+\]|[^:[\]/\s]*):\d{1,5}$/, 'an address such as 127.0.0.1:7930')
    .meta({
      description: 'Where `holdfast serve` answers, HOST:PORT. Any place but this machine needs tokens.',
      default: '127.0.0.1:7930',
    })
    .optional(),
  tokens: oneOrMany(token, 'a mapping with name, role, token, or a list of them')
    .meta({ description: 'Who may use it. Without tokens everybody on this machine may look, and nobody may change anything.' })
    .optional(),
});

export type WrittenServe = z.infer<typeof serve>;
