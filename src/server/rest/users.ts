/** Who may use a server: the lines of an htpasswd file, and HTTP's basic authentication. */
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { HoldfastError, reasonOf } from '../../errors.ts';
import { isBcrypt, verifyBcrypt } from './bcrypt.ts';

/** Bytes of a header, of a file. */
const longestHeader = 4096;
const largestFile = 4 * 1024 * 1024;
/* Each takes a tenth of a second of this process. */
const mostWaiting = 64;
const mostRemembered = 1024;

/** `busy`: too many are being verified; a client may come again. */
export type Verdict = { readonly user: string } | 'denied' | 'busy';

export class Users {
  readonly #file: string;
  readonly #secret = randomBytes(32);
  /* What was verified needs no second computation: requests come by the thousand. */
  readonly #remembered = new Map<string, string>();
  #hashes = new Map<string, string>();
  #version = '';
  #waiting = 0;
  #turn: Promise<unknown> = Promise.resolve();

  /** Reads an htpasswd file. Throws `server-setup` for one that cannot be used. */
  constructor(file: string) {
    this.#file = file;
    this.#read();
  }

  /** Verifies the header of a request. The file is read anew when it has changed. */
  async verify(header: string | undefined): Promise<Verdict> {
    this.#readIfChanged();
    const given = parseBasic(header);
    if (given === undefined) return 'denied';
    const { user, password } = given;
    const known = this.#hashes.get(user);
    // Somebody who is not known takes as long as somebody who is.
    const hash = known ?? this.#hashes.values().next().value;
    if (hash === undefined) return 'denied';
    const mark = createHmac('sha256', this.#secret).update(`${user}\0${password}`).digest('base64');
    if (known !== undefined && this.#remembered.get(mark) === hash) return { user };
    if (this.#waiting >= mostWaiting) return 'busy';
    if (!(await this.#inTurn(() => verifyHash(password, hash))) || known === undefined) return 'denied';
    if (this.#remembered.size >= mostRemembered) this.#remembered.clear();
    this.#remembered.set(mark, hash);
    return { user };
  }

  async #inTurn(work: () => Promise<boolean>): Promise<boolean> {
    this.#waiting += 1;
    const mine = this.#turn.then(work);
    this.#turn = mine.catch(() => {});
    try {
      return await mine;
    } finally {
      this.#waiting -= 1;
    }
  }

  #readIfChanged(): void {
    try {
      if (this.#version !== versionOf(this.#file)) this.#read();
    } catch {
      // It is being written, or gone: what was read last counts.
    }
  }

  #read(): void {
    try {
      const version = versionOf(this.#file);
      this.#hashes = parseUsers(readFileSync(this.#file, 'utf8'));
      this.#version = version;
    } catch (error) {
      const help = 'Make it with: htpasswd -B -c FILE USER';
      throw new HoldfastError('server-setup', { what: `the users in ${this.#file}`, reason: reasonOf(error), help }, error);
    }
  }
}

function versionOf(file: string): string {
  const { mtimeMs, size, ino } = statSync(file);
  if (size > largestFile) throw new Error(`it is larger than ${largestFile} bytes`);
  return `${mtimeMs} ${size} ${ino}`;
}

/** Reads an htpasswd file. Throws a plain error, without any hash in it. */
function parseUsers(text: string): Map<string, string> {
  const users = new Map<string, string>();
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const [user = '', hash = ''] = line.trim().split(':');
    if (user === '' || hash === '') throw new Error(`line ${index + 1} is not of the form USER:HASH`);
    if (!isBcrypt(hash) && !/^\{SHA\}[A-Za-z0-9+/]{27}=$/.test(hash))
      throw new Error(`the password in line ${index + 1} is hashed neither with bcrypt nor with SHA`);
    users.set(user, hash);
  }
  if (users.size === 0) throw new Error('nobody stands in it');
  return users;
}

async function verifyHash(password: string, hash: string): Promise<boolean> {
  if (!hash.startsWith('{SHA}')) return verifyBcrypt(password, hash);
  const wanted = Buffer.from(hash.slice('{SHA}'.length), 'base64');
  return timingSafeEqual(createHash('sha1').update(password).digest(), wanted);
}

function parseBasic(header: string | undefined): { readonly user: string; readonly password: string } | undefined {
  if (header === undefined || header.length > longestHeader) return undefined;
  const [, encoded] = /^Basic +([A-Za-z0-9+/_=-]+)$/i.exec(header) ?? [];
  if (encoded === undefined) return undefined;
  const [, user, password] = /^([^:]+):(.*)$/s.exec(Buffer.from(encoded, 'base64').toString('utf8')) ?? [];
  return user === undefined || password === undefined || password.includes('\0') ? undefined : { user, password };
}
