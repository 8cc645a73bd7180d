/** Where alarms are told, and which. */
import type { AlarmEvent } from '../../util/alarm-events.ts';
import type { AlarmSeverity } from './alarm.ts';

/** Reads a secret when it is needed, so that one that was changed counts at once. Throws where it cannot be read. */
export type SecretReader = () => Promise<string>;

export interface Route {
  /** No two have the same. */
  readonly name: string;
  readonly target: RouteTarget;
  /** For people, without secrets: `ops@example.org`, `https://hooks.slack.com/…`. */
  readonly address: string;
  readonly on?: readonly AlarmEvent[];
  readonly components?: readonly string[];
  readonly severity?: AlarmSeverity;
  readonly repeatMs?: number;
  /** Minutes of the day. */
  readonly quiet?: { readonly from: number; readonly to: number };
}

export type RouteTarget =
  | MailTarget
  | {
      readonly kind: 'webhook';
      readonly url: SecretReader;
      readonly secret?: SecretReader;
      readonly headers?: Readonly<Record<string, SecretReader>>;
    }
  | { readonly kind: 'ntfy'; readonly url: SecretReader; readonly token?: SecretReader }
  | AlertmanagerTarget
  | { readonly kind: 'slack' | 'teams' | 'discord' | 'healthcheck' | 'uptime-kuma'; readonly url: SecretReader };

export interface MailTarget {
  readonly kind: 'email';
  readonly recipients: readonly string[];
  readonly from: string;
  /** `smtp://host:port` or `smtps://host:port`. */
  readonly server: string;
  readonly user?: string;
  readonly password?: SecretReader;
  readonly tls: 'required' | 'offered' | 'none';
  /** A file of certificates that the server's may be signed by. */
  readonly authority?: string;
}

export interface AlertmanagerTarget {
  readonly kind: 'alertmanager';
  readonly url: SecretReader;
  readonly user?: string;
  readonly password?: SecretReader;
  readonly token?: SecretReader;
}

/** What one route answered to one message. */
export interface RouteAnswer {
  readonly route: string;
  readonly ok: boolean;
  /** What the other side said, or why nothing came of it; no secret is in it. */
  readonly answer: string;
  /** How many alarms and notes the message told. */
  readonly told: number;
}

/** Receivers that wait for signs of life: they take one word at a time, in order. */
export function isPing({ target }: Route): boolean {
  return target.kind === 'healthcheck' || target.kind === 'uptime-kuma';
}
