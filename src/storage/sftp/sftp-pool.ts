import type { SftpConnection } from './sftp-connection.ts';

interface Member {
  readonly ready: Promise<SftpConnection>;
  connection?: SftpConnection;
  /** Operations under way on it. */
  load: number;
}

/** A few connections, made when there is something for them to do, and anew after a break. */
export class SftpPool {
  readonly #connect: () => Promise<SftpConnection>;
  readonly #members = new Set<Member>();
  readonly #queue: (() => void)[] = [];
  #limit: number;
  #free: number;

  /**
   * @param connections at most
   * @param operations at once, at most
   */
  constructor(connect: () => Promise<SftpConnection>, connections: number, operations: number) {
    this.#connect = connect;
    this.#limit = connections;
    this.#free = operations;
  }

  /** Runs an operation on the connection that has least to do. Throws what that or connecting throws. */
  async use<Result>(work: (connection: SftpConnection) => Promise<Result>): Promise<Result> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#queue.push(resolve));
    try {
      return await this.assist(work);
    } finally {
      const next = this.#queue.shift();
      if (next === undefined) this.#free += 1;
      else next();
    }
  }

  async close(): Promise<void> {
    const members = [...this.#members];
    this.#members.clear();
    await Promise.all(members.map(({ ready }) => ready.then((connection) => connection.close()).catch(() => {})));
  }

  /** As `use`, without waiting for a turn: for what an operation that has its turn needs from others. */
  async assist<Result>(work: (connection: SftpConnection) => Promise<Result>): Promise<Result> {
    const member = this.#choose();
    member.load += 1;
    try {
      return await work(await this.#readyOrAnother(member));
    } finally {
      member.load -= 1;
    }
  }

  #choose(): Member {
    let best: Member | undefined;
    for (const member of this.#members) {
      if (member.connection?.isAlive === false) this.#members.delete(member);
      else if (best === undefined || member.load < best.load) best = member;
    }
    if (best !== undefined && (best.load === 0 || this.#members.size >= this.#limit)) return best;
    return this.#add();
  }

  #add(): Member {
    const member: Member = { load: 0, ready: this.#connect() };
    this.#members.add(member);
    member.ready.then(
      (connection) => (member.connection = connection),
      () => this.#members.delete(member),
    );
    return member;
  }

  /** A server may allow fewer connections than we would like: then those that there are must do. */
  async #readyOrAnother(member: Member): Promise<SftpConnection> {
    try {
      return await member.ready;
    } catch (error) {
      const other = [...this.#members].find(({ connection }) => connection?.isAlive === true)?.connection;
      if (other === undefined) throw error;
      this.#limit = Math.max(1, this.#members.size);
      return other;
    }
  }
}
