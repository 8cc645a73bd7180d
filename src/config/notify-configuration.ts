/** Who is told what: part of the `Configuration`. */
import type { Secret } from './configuration.ts';

export interface NotifyConfiguration {
  /** As it is written, else after its kind: `email`, `email-2`. No two have the same. */
  readonly name: string;
  readonly to: NotifyTarget;
  /** Absent: what its kind usually tells. */
  readonly on?: readonly NotifyEvent[];
  /** Absent: all of them. */
  readonly components?: readonly string[];
  readonly severity?: 'info' | 'warning' | 'critical';
  /** How often an alarm that stays open is told again. */
  readonly repeatMs?: number;
  /** Minutes of the day between which only what is critical is told; `to` may lie before `from`. */
  readonly quiet?: { readonly from: number; readonly to: number };
}

export type NotifyEvent =
  | 'failure'
  | 'success'
  | 'start'
  | 'objective'
  | 'anomaly'
  | 'drill'
  | 'space'
  | 'lock'
  | 'missed'
  | 'daemon'
  | 'recovery';

export type NotifyTarget =
  | EmailTarget
  | { readonly kind: 'webhook'; readonly url: Secret; readonly secret?: Secret; readonly headers?: Readonly<Record<string, Secret>> }
  | { readonly kind: 'ntfy'; readonly url: Secret; readonly token?: Secret }
  | { readonly kind: 'alertmanager'; readonly url: Secret; readonly user?: string; readonly password?: Secret; readonly token?: Secret }
  | { readonly kind: 'slack' | 'teams' | 'discord' | 'healthcheck' | 'uptime-kuma'; readonly url: Secret };

export interface EmailTarget {
  readonly kind: 'email';
  readonly recipients: readonly string[];
  readonly from?: string;
  /** `smtp://host:587` (STARTTLS) or `smtps://host:465`. Absent: the mail server of this machine. */
  readonly server?: string;
  readonly user?: string;
  readonly password?: Secret;
  /** `required`, unless the server is on this machine. */
  readonly tls?: 'required' | 'offered' | 'none';
  /** Absolute path of the certificate of the authority that the server's was signed by. */
  readonly authority?: string;
}
