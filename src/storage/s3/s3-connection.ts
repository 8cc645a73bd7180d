import { S3Client } from '@aws-sdk/client-s3';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { probeServer } from '../http/probe-server.ts';
import { isLoopback } from '../http/web-options.ts';
import { throwIfInterrupted } from '../interruption.ts';
import { isKey } from '../object-key.ts';
import type { S3Address } from '../storage-address.ts';
import type { ServerSigns } from '../storage.ts';
import { defaultConnections, type StorageEnvironment, type StorageOptions } from '../storage-options.ts';
import { RequestSlots } from './request-slots.ts';
import { collectAnswer } from './collect-answer.ts';
import { credentialSettings } from './s3-credentials.ts';
import { toS3Error, type S3Access } from './s3-error.ts';
import { readS3Settings, type S3Settings } from './s3-settings.ts';

/** Milliseconds. */
export interface S3Limits {
  readonly connect: number;
  /** Without a byte in either direction. */
  readonly silence: number;
}

const usualLimits: S3Limits = { connect: 10_000, silence: 60_000 };

/* The SDK would write to the console. */
const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** What a request is about, for the sentence of its failure. */
export type S3Request = Pick<S3Access, 'action' | 'key' | 'right'>;

/** A bucket and the way to it: every request runs through `run`. */
export class S3Connection {
  readonly bucket: string;
  readonly settings: S3Settings;
  readonly location: string;
  readonly #prefix: string;
  readonly #client: S3Client;
  readonly #agents: { readonly httpAgent: HttpAgent; readonly httpsAgent: HttpsAgent };
  readonly #slots: RequestSlots;

  constructor(address: S3Address, options: StorageOptions, limits: S3Limits = usualLimits) {
    const environment: StorageEnvironment = options.environment ?? process.env;
    const connections = options.connections ?? defaultConnections;
    this.settings = readS3Settings(address, options, environment);
    this.bucket = address.bucket;
    this.location = this.settings.location;
    this.#prefix = address.prefix === '' ? '' : `${address.prefix}/`;
    this.#slots = new RequestSlots(connections);
    /* One more than can be in use, so that none ever waits inside the SDK, where waiting counts as connecting. */
    const settings = { keepAlive: true, maxSockets: connections + 1, proxyEnv: proxiesFor(this.settings.endpoint, environment) };
    this.#agents = { httpAgent: new HttpAgent(settings), httpsAgent: new HttpsAgent(settings) };
    this.#client = new S3Client({
      ...credentialSettings(environment, this.location),
      ...(this.settings.endpoint === undefined ? {} : { endpoint: this.settings.endpoint }),
      region: this.settings.region,
      forcePathStyle: this.settings.pathStyle,
      maxAttempts: 1,
      logger: silent,
      streamCollector: collectAnswer,
      /* What looks like S3 often does not know the newer checksums; the hash in the signature covers a body on its way there. */
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
      /* It would make the SDK open a connection for every large put. */
      expectContinueHeader: false,
      requestHandler: {
        connectionTimeout: limits.connect,
        socketTimeout: limits.silence,
        ...this.#agents,
      },
    });
  }

  /** The name of an object in the bucket. */
  nameOf(key: string): string {
    return `${this.#prefix}${key}`;
  }

  /** The key of an object by its name in the bucket; undefined for what is none of ours. */
  keyOf(name: string | undefined): string | undefined {
    if (name?.startsWith(this.#prefix) !== true) return undefined;
    const key = name.slice(this.#prefix.length);
    return isKey(key) ? key : undefined;
  }

  /**
   * Sends what `work` sends, when there is a slot. All it throws becomes an error of the catalogue.
   * @throws `interrupted` after the signal, and as `toS3Error`
   */
  async run<T>(
    request: S3Request,
    signal: AbortSignal | undefined,
    work: (client: S3Client, options: { readonly abortSignal?: AbortSignal }) => Promise<T>,
  ): Promise<T> {
    const options = signal === undefined ? {} : { abortSignal: signal };
    try {
      return await this.#slots.run(signal, () => work(this.#client, options));
    } catch (error) {
      throwIfInterrupted(signal);
      throw toS3Error(error, { ...request, ...this.settings, bucket: this.bucket });
    }
  }

  probe(signal: AbortSignal | undefined): Promise<ServerSigns> {
    const { endpoint, region } = this.settings;
    const url = new URL('/', endpoint ?? `https://s3.${region}.amazonaws.com`);
    const { httpAgent, httpsAgent } = this.#agents;
    return probeServer({ url, agent: url.protocol === 'http:' ? httpAgent : httpsAgent, location: this.location, signal });
  }

  close(): void {
    this.#client.destroy();
  }
}

/** HTTPS_PROXY, HTTP_PROXY and NO_PROXY. A server on this machine is not looked for behind a proxy. */
function proxiesFor(endpoint: string | undefined, environment: StorageEnvironment): StorageEnvironment {
  return endpoint !== undefined && isLoopback(new URL(endpoint)) ? {} : { ...environment };
}
