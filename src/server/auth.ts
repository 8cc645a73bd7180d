/** Who may use the HTTP interface: bearer tokens, each with a role. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { HoldfastError } from '../errors.ts';
import type { Clock } from '../util/clock.ts';

export const roles = ['viewer', 'operator', 'admin'] as const;
export type Role = (typeof roles)[number];

export interface Token {
  readonly name: string;
  readonly role: Role;
  /** The secret itself. */
  readonly token: string;
}

export interface Visitor {
  /** The token's name; of somebody without a token `anonymous`. */
  readonly name: string;
  readonly role: Role;
}

const shortestToken = 16;
const longestHeader = 1024;
/** Wrong tokens from one address within the window; from then on nothing of it is looked at until the window is over. */
const mostFailures = 10;
const windowMs = 60_000;
const mostAddresses = 1000;

/** Whether a role includes another: an admin may do what a viewer may. */
export function includes(role: Role, wanted: Role): boolean {
  return roles.indexOf(role) >= roles.indexOf(wanted);
}

export class Authority {
  readonly #clock: Clock;
  readonly #failures = new Map<string, { count: number; until: number }>();
  #tokens: readonly { readonly visitor: Visitor; readonly digest: Buffer }[] = [];

  /** Throws `server-setup`, see `use`. */
  constructor(tokens: readonly Token[], clock: Clock) {
    this.#clock = clock;
    this.use(tokens);
  }

  /** Whether there are tokens at all: without, everybody on this machine may look. */
  get hasTokens(): boolean {
    return this.#tokens.length > 0;
  }

  /** These tokens count from now on. Throws `server-setup` for one that could be guessed. */
  use(tokens: readonly Token[]): void {
    const short = tokens.find(({ token }) => token.length < shortestToken);
    if (short !== undefined)
      throw new HoldfastError('server-setup', {
        what: 'with these tokens',
        reason: `the token "${short.name}" has fewer than ${shortestToken} characters`,
        help: 'Make one with: openssl rand -hex 24',
      });
    this.#tokens = tokens.map(({ name, role, token }) => ({ visitor: { name, role }, digest: digestOf(token) }));
  }

  /** Who sends this header. `busy`: too many wrong tokens came from this address. */
  recognise(header: string | undefined, address: string): Visitor | 'nobody' | 'wrong' | 'busy' {
    if (this.#isBlocked(address)) return 'busy';
    if (header === undefined) return this.hasTokens ? 'nobody' : { name: 'anonymous', role: 'viewer' };
    const [, given] = header.length > longestHeader ? [] : (/^Bearer +([\x21-\x7e]+)$/i.exec(header) ?? []);
    const visitor = given === undefined ? undefined : this.#find(given);
    if (visitor !== undefined) return visitor;
    this.#noteFailure(address);
    return 'wrong';
  }

  /* Every token is compared, and whole: how long it takes tells nothing. */
  #find(given: string): Visitor | undefined {
    const digest = digestOf(given);
    let found: Visitor | undefined;
    for (const token of this.#tokens) if (timingSafeEqual(token.digest, digest)) found = token.visitor;
    return found;
  }

  #isBlocked(address: string): boolean {
    const known = this.#failures.get(address);
    if (known === undefined) return false;
    const left = known.until - this.#clock.now().getTime();
    if (left > 0 && left <= windowMs) return known.count >= mostFailures;
    this.#failures.delete(address);
    return false;
  }

  #noteFailure(address: string): void {
    const known = this.#failures.get(address);
    if (known !== undefined) known.count += 1;
    else {
      // Addresses come in any number: the oldest goes.
      const [oldest] = this.#failures.keys();
      if (oldest !== undefined && this.#failures.size >= mostAddresses) this.#failures.delete(oldest);
      this.#failures.set(address, { count: 1, until: this.#clock.now().getTime() + windowMs });
    }
  }
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
