/** Where records lie and what this host remembers of them. Both are given by whoever opens the trail. */
import { createHash } from 'node:crypto';

/** Sealed objects of a repository, by names below `audit/`. */
export interface AuditObjects {
  /** With `ifAbsent`, throws `storage-exists` where the name is taken. */
  put(name: string, header: unknown, body: Uint8Array, options: { readonly ifAbsent: true }): Promise<unknown>;
  /** Throws `storage-missing`, `damaged`. */
  get(name: string): Promise<{ readonly body: Buffer }>;
  list(prefix: string): AsyncIterable<{ readonly name: string }>;
}

export interface Head {
  readonly sequence: number;
  readonly hash: string;
}

/** Heads that this host has seen: what is kept elsewhere cannot be changed by whoever changes the repository. */
export interface HeadMemory {
  get(chain: string): Head | undefined;
  all(): ReadonlyMap<string, Head>;
  /** Never goes back, unless `replace` says so. */
  note(chain: string, head: Head, options?: { readonly replace?: boolean }): void;
}

export const auditFolder = 'audit/';
const nameForm = /^audit\/([a-z0-9][a-z0-9-]{0,79})\/(\d{12})$/;

/** The chain of a host: its name, readable, with a hash so that two names are never one. */
export function chainOf(host: string): string {
  const readable = host
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 40);
  return `${readable === '' ? 'host' : readable}-${createHash('sha256').update(host).digest('hex').slice(0, 8)}`;
}

export function nameOfRecord(chain: string, sequence: number): string {
  return `${auditFolder}${chain}/${String(sequence).padStart(12, '0')}`;
}

/** Undefined for what is not the name of a record. */
export function readName(name: string): { readonly chain: string; readonly sequence: number } | undefined {
  const [, chain, digits] = nameForm.exec(name) ?? [];
  const sequence = Number(digits);
  return chain === undefined || !(sequence >= 1) ? undefined : { chain, sequence };
}

/** A memory that lasts as long as the process: for a host that cannot remember. */
export function createShortMemory(): HeadMemory {
  const heads = new Map<string, Head>();
  return {
    get: (chain) => heads.get(chain),
    all: () => heads,
    note: (chain, head, { replace = false } = {}) => {
      if (replace || head.sequence > (heads.get(chain)?.sequence ?? 0)) heads.set(chain, head);
    },
  };
}
