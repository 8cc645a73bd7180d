/** A bad line to a server: a port whose connections lead to the server's, with the faults that a test wants. What a fault has cut off stays cut off. */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** What happens on each connection. Numbers of bytes count from its beginning. */
export interface FaultRule {
  /** Milliseconds that each piece is late in either direction, somewhere between these. */
  readonly latency?: { readonly from: number; readonly to: number };
  /** After so many bytes of answers: closed in good order, reset, or nothing passes any more in either direction. */
  readonly cut?: { readonly after: number; readonly how: 'close' | 'reset' | 'freeze' };
  /** The same for bytes to the server. */
  readonly cutRequest?: { readonly after: number; readonly how: 'close' | 'reset' | 'freeze' };
  /** The lowest bit of the answers' byte with this number is turned. */
  readonly flip?: { readonly at: number };
  /** The same for bytes to the server. */
  readonly flipRequest?: { readonly at: number };
  /** Connections are reset as soon as they come. */
  readonly refuse?: boolean;
  /** Connections that are hit: so many (the first), and each of them with this probability. Default: all. */
  readonly times?: number;
  readonly chance?: number;
}

export interface FaultProxy {
  readonly port: number;
  /** The rule for connections that come from now on; those there are end at once. */
  set(rule: FaultRule): void;
  /** Connections that a fault has hit since the rule was set. */
  hits(): number;
  /** Nothing passes any more on any connection, in either direction, and none is broken: a cable that was pulled. */
  freeze(): void;
  stop(): Promise<void>;
}

/** @param seed what is left to chance is the same for the same seed */
export async function startFaultProxy(serverPort: number, seed = 1): Promise<FaultProxy> {
  const random = randomFrom(seed);
  const open = new Set<Socket>();
  let rule: FaultRule = {};
  let hits = 0;
  let chosen = 0;
  let isFrozen = false;
  const isChosen = (): boolean => {
    if (chosen >= (rule.times ?? Number.POSITIVE_INFINITY) || random() >= (rule.chance ?? 1)) return false;
    chosen += 1;
    return true;
  };
  const proxy = createServer({ allowHalfOpen: true }, (client) => {
    const current = isChosen() ? rule : {};
    const hit = (): void => void (hits += 1);
    if (current.refuse === true) {
      hit();
      client.on('error', () => {});
      client.resetAndDestroy();
      return;
    }
    const server = connect({ port: serverPort, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    client.setNoDelay(true);
    const pair = new Pair(client, server);
    for (const socket of [client, server]) {
      open.add(socket);
      socket.on('error', () => pair.end());
      socket.on('close', () => {
        open.delete(socket);
        pair.end();
      });
    }
    const delay = (): number =>
      current.latency === undefined ? 0 : current.latency.from + random() * (current.latency.to - current.latency.from);
    const shared = { pair, delay, hit, isFrozen: () => isFrozen };
    void pass(server, client, { ...shared, cut: current.cut, flipAt: current.flip?.at });
    void pass(client, server, { ...shared, cut: current.cutRequest, flipAt: current.flipRequest?.at });
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const address = proxy.address();
  if (address === null || typeof address === 'string') throw new Error('Cannot find a free port');
  const endAll = (): void => {
    for (const socket of open) socket.destroy();
  };
  return {
    port: address.port,
    set: (next) => {
      rule = next;
      [hits, chosen, isFrozen] = [0, 0, false];
      endAll();
    },
    hits: () => hits,
    freeze: () => (isFrozen = true),
    stop: async () => {
      const closed = once(proxy, 'close');
      proxy.close();
      endAll();
      await closed;
    },
  };
}

/** The two ends of one connection. */
class Pair {
  isCut = false;
  readonly #client: Socket;
  readonly #server: Socket;
  #isStalled = false;

  constructor(client: Socket, server: Socket) {
    this.#client = client;
    this.#server = server;
  }

  /** Ends both, unless the line is dead: then nobody is told. */
  end(): void {
    if (this.#isStalled) return;
    this.#client.destroy();
    this.#server.destroy();
  }

  /** After `last` no byte passes in either direction. */
  cut(to: Socket, last: Buffer, how: 'close' | 'reset' | 'freeze'): void {
    this.isCut = true;
    this.#isStalled = how === 'freeze';
    if (last.length > 0) to.write(last);
    if (how === 'freeze') return;
    if (how === 'reset') {
      this.#client.resetAndDestroy();
      this.#server.resetAndDestroy();
      return;
    }
    const [other, drop] = to === this.#client ? [this.#server, this.#client] : [this.#client, this.#server];
    drop.end();
    if (to === this.#server) other.end();
    else other.destroy();
  }
}

interface Passage {
  readonly pair: Pair;
  readonly delay: () => number;
  readonly hit: () => void;
  readonly isFrozen: () => boolean;
  readonly cut: FaultRule['cut'] | undefined;
  readonly flipAt: number | undefined;
}

async function pass(from: Socket, to: Socket, { pair, delay, hit, isFrozen, cut, flipAt }: Passage): Promise<void> {
  let passed = 0;
  try {
    for await (const piece of from as AsyncIterable<Buffer>) {
      const late = delay();
      if (late > 0) await sleep(late);
      if (pair.isCut || isFrozen()) continue;
      if (cut !== undefined && passed + piece.length > cut.after) {
        hit();
        pair.cut(to, piece.subarray(0, cut.after - passed), cut.how);
        continue;
      }
      if (flipAt !== undefined && flipAt >= passed && flipAt < passed + piece.length) {
        hit();
        piece.writeUInt8(piece.readUInt8(flipAt - passed) ^ 1, flipAt - passed);
      }
      passed += piece.length;
      if (!to.write(piece) && !to.destroyed) await Promise.race([once(to, 'drain'), once(to, 'close')]);
    }
    if (!pair.isCut && !isFrozen()) to.end();
  } catch {
    pair.end();
  }
}

/** Numbers from 0 to 1 (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
