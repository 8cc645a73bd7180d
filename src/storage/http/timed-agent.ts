/** Connections to a web service: kept, counted, and given up when nothing comes any more. What speaks HTTP through one cannot hang on a frozen server. */
import { Agent as HttpAgent, type ClientRequestArgs } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { getCACertificates, TLSSocket } from 'node:tls';
import type { StorageEnvironment } from '../storage-options.ts';

/** Milliseconds. */
export interface TimeLimits {
  /** Until a connection stands, encryption included. */
  readonly connect: number;
  /** Without a byte in either direction. */
  readonly silence: number;
}

const timeLimits: TimeLimits = { connect: 10_000, silence: 60_000 };

export interface AgentOptions {
  readonly protocol: 'http:' | 'https:';
  /** Connections at once; further requests wait for one. */
  readonly connections: number;
  readonly limits?: TimeLimits;
  /** A certificate authority (PEM) beside those that Node knows. */
  readonly authority?: string;
  /** Where `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` are looked up. */
  readonly environment: StorageEnvironment;
}

/** The agent that a request is made with: `node:http` for `http:`, `node:https` for `https:`. Destroy it to close its connections. */
export function createTimedAgent(options: AgentOptions): HttpAgent {
  const { protocol, connections, authority, environment, limits = timeLimits } = options;
  const settings = {
    keepAlive: true,
    maxSockets: connections,
    maxFreeSockets: connections,
    scheduling: 'lifo',
    /* Set again on a connection that is used again. */
    timeout: limits.silence,
    proxyEnv: { ...environment },
  } as const;
  if (protocol === 'http:') return new TimedHttpAgent(settings, limits);
  const ca = authority === undefined ? {} : { ca: [...getCACertificates('default'), authority] };
  return new TimedHttpsAgent({ ...settings, ...ca }, limits);
}

type WhenConnected = (error: Error | null, stream: Duplex) => void;

class TimedHttpAgent extends HttpAgent {
  readonly #watch: Watch;

  constructor(options: ConstructorParameters<typeof HttpAgent>[0], limits: TimeLimits) {
    super(options);
    this.#watch = new Watch(limits);
  }

  override createConnection(options: ClientRequestArgs, connected?: WhenConnected): Duplex | null | undefined {
    return this.#watch.over(super.createConnection(options, this.#watch.alsoOver(connected)));
  }
}

class TimedHttpsAgent extends HttpsAgent {
  readonly #watch: Watch;

  constructor(options: ConstructorParameters<typeof HttpsAgent>[0], limits: TimeLimits) {
    super(options);
    this.#watch = new Watch(limits);
  }

  override createConnection(options: ClientRequestArgs, connected?: WhenConnected): Duplex | null | undefined {
    return this.#watch.over(super.createConnection(options, this.#watch.alsoOver(connected)));
  }
}

class Watch {
  readonly #limits: TimeLimits;

  constructor(limits: TimeLimits) {
    this.#limits = limits;
  }

  /** From when a connection is begun. */
  over<Stream extends Duplex | null | undefined>(stream: Stream): Stream {
    if (!(stream instanceof Socket)) return stream;
    const { connect } = this.#limits;
    const timer = setTimeout(() => stream.destroy(new SilenceError('connect', connect)), connect);
    const settle = (): void => clearTimeout(timer);
    stream.once(stream instanceof TLSSocket ? 'secureConnect' : 'connect', settle).once('close', settle);
    this.#endWhenSilent(stream);
    return stream;
  }

  /** Through a web proxy the connection that counts is another, inside the one to the proxy; it comes when it stands. */
  alsoOver(connected: WhenConnected | undefined): WhenConnected | undefined {
    if (connected === undefined) return undefined;
    return (error, stream) => {
      if (stream instanceof Socket) this.#endWhenSilent(stream);
      connected(error, stream);
    };
  }

  #endWhenSilent(stream: Socket): void {
    const { silence } = this.#limits;
    stream.setTimeout(silence);
    stream.on('timeout', () => stream.destroy(new SilenceError('silence', silence)));
  }
}

/** What a connection ends with that was given up here. */
class SilenceError extends Error {
  override readonly name = 'SilenceError';

  constructor(kind: keyof TimeLimits, milliseconds: number) {
    const time = `${milliseconds / 1000} seconds`;
    super(kind === 'connect' ? `no connection within ${time}` : `the server sent and took nothing for ${time}`);
  }
}
