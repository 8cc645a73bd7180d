/**
 * A record of the audit trail: who did what, from where, with which plan and result. It is JSON, and what the next record of its chain names is the
 * SHA-256 of exactly these bytes. Read with care: whoever has the repository's key can write anything.
 */
import { hash } from 'node:crypto';
import { type JsonObject, readArray, readInteger, readObject, readString } from '../../util/wire.ts';

export const auditEvents = [
  'backup',
  'restore',
  'recover',
  'read',
  'archive',
  'import',
  'copy',
  'drill',
  'prune',
  'forget',
  'hold',
  'accept',
  'key',
  'repository',
  'configuration',
  'sign-in',
  'cancel',
  'audit',
] as const;
export type AuditEvent = (typeof auditEvents)[number];

/** `begun` is written before anything is done, `ended` after it; what happens at once is only `ended`. */
export type AuditPhase = 'begun' | 'ended';

export interface AuditActor {
  /** Of the operating system. */
  readonly user: string;
  readonly host: string;
  /** The name of the API token that was used. */
  readonly token?: string;
  /** Who became that user, by sudo. */
  readonly sudo?: string;
  /** The address that a session over the network comes from. */
  readonly from?: string;
  /** `person`, `schedule`, `api`. */
  readonly trigger: string;
}

/** What there is to say, before it gets its place in a chain. */
export interface AuditEntry {
  readonly event: AuditEvent;
  readonly phase: AuditPhase;
  /** The same in the records of one run. */
  readonly run: string;
  readonly at: Date;
  readonly by: AuditActor;
  /** The command, its components, the point, chosen options. Never a secret. */
  readonly what: JsonObject;
  /** What was going to be done. */
  readonly plan?: unknown;
  /** How it ended. */
  readonly result?: JsonObject;
  /** It could not be written when it happened. */
  readonly late?: true;
}

/** Where a chain ended when somebody looked. */
export interface ChainHead {
  readonly chain: string;
  readonly sequence: number;
  readonly hash: string;
}

export interface AuditRecord extends AuditEntry {
  /** The id of the repository. */
  readonly repository: string;
  readonly chain: string;
  /** From 1. */
  readonly sequence: number;
  /** The hash of the record before; empty for the first, and where that could not be read. */
  readonly previous: string;
  /** Random: no two records have the same bytes. */
  readonly nonce: string;
  /** Heads of other hosts' chains: a witness against a cut tail. */
  readonly seen: readonly ChainHead[];
}

/** Bytes of a record. A plan that is larger is replaced by its hash. */
const largestRecord = 1 << 20;
const mostSeen = 100;
const version = 1;

/** A record as the bytes that are stored. */
export function encodeRecord(record: AuditRecord): Buffer {
  const bytes = Buffer.from(JSON.stringify({ version, ...record }));
  if (bytes.length <= largestRecord || record.plan === undefined) return bytes;
  const plan = JSON.stringify(record.plan);
  return encodeRecord({ ...record, plan: { left_out: 'too large', bytes: plan.length, sha256: hash('sha256', plan) } });
}

/** What the next record names. */
export function hashOfRecord(bytes: Uint8Array): string {
  return hash('sha256', bytes);
}

/** Reads a record. Throws a plain error that says what is wrong with it. */
export function decodeRecord(bytes: Uint8Array): AuditRecord {
  const wire = readObject(JSON.parse(Buffer.from(bytes).toString('utf8')), 'the record');
  const by = readObject(wire['by'], 'by');
  const phase = wire['phase'];
  const event = auditEvents.find((each) => each === wire['event']);
  if (event === undefined) throw new Error('its event is unknown');
  if (phase !== 'begun' && phase !== 'ended') throw new Error('its phase is unknown');
  return {
    repository: readString(wire['repository'], 'repository'),
    chain: readString(wire['chain'], 'chain'),
    sequence: readInteger(wire['sequence'], 'sequence', 1),
    previous: readString(wire['previous'], 'previous'),
    event,
    phase,
    run: readString(wire['run'], 'run'),
    at: readTime(wire['at']),
    by: {
      user: readString(by['user'], 'user'),
      host: readString(by['host'], 'host'),
      trigger: readString(by['trigger'], 'trigger'),
      ...(by['token'] === undefined ? {} : { token: readString(by['token'], 'token') }),
      ...(by['sudo'] === undefined ? {} : { sudo: readString(by['sudo'], 'sudo') }),
      ...(by['from'] === undefined ? {} : { from: readString(by['from'], 'from') }),
    },
    what: readObject(wire['what'], 'what'),
    ...(wire['plan'] === undefined ? {} : { plan: wire['plan'] }),
    ...(wire['result'] === undefined ? {} : { result: readObject(wire['result'], 'result') }),
    ...(wire['late'] === true ? { late: true } : {}),
    nonce: readString(wire['nonce'], 'nonce'),
    seen: readArray(wire['seen'], 'seen').slice(0, mostSeen).map(readHead),
  };
}

/** An entry that was kept as text because it could not be written; undefined for anything else. */
export function decodeEntry(text: string): AuditEntry | undefined {
  try {
    const place = { repository: '', chain: '', sequence: 1, previous: '', nonce: '', seen: [] };
    const record = decodeRecord(Buffer.from(JSON.stringify({ ...readObject(JSON.parse(text), 'the entry'), ...place })));
    const {
      repository: _repository,
      chain: _chain,
      sequence: _sequence,
      previous: _previous,
      nonce: _nonce,
      seen: _seen,
      ...entry
    } = record;
    return entry;
  } catch {
    return undefined;
  }
}

function readHead(value: unknown): ChainHead {
  const wire = readObject(value, 'seen');
  return {
    chain: readString(wire['chain'], 'chain'),
    sequence: readInteger(wire['sequence'], 'sequence', 1),
    hash: readString(wire['hash'], 'hash'),
  };
}

function readTime(value: unknown): Date {
  const time = new Date(readString(value, 'at'));
  if (Number.isNaN(time.getTime())) throw new Error('at is no time');
  return time;
}
