import type { BlobItem, BlockBlobClient, ContainerClient } from '@azure/storage-blob';
import type { Agent } from 'node:http';
import { Readable } from 'node:stream';
import { HoldfastError } from '../../errors.ts';
import { resolveRange } from '../byte-range.ts';
import type { StorageAction } from '../file-error.ts';
import { readRange, totalOf } from '../http/answer-range.ts';
import { digestBytes, digestFile, sendFile } from '../http/file-body.ts';
import { probeServer } from '../http/probe-server.ts';
import { readBody } from '../http/read-body.ts';
import { createTimedAgent, type TimeLimits } from '../http/timed-agent.ts';
import { assertParameters, isLoopback, readAuthority } from '../http/web-options.ts';
import { throwIfInterrupted } from '../interruption.ts';
import { assertKey, assertPrefix, isKey } from '../object-key.ts';
import { measureSourceFile, removeSourceFile, type SourceFile } from '../source-file.ts';
import { refusal, type AzureAddress } from '../storage-address.ts';
import { defaultConnections, type StorageOptions } from '../storage-options.ts';
import type { ByteRange, ObjectInfo, PutOptions, ServerSigns, Storage } from '../storage.ts';
import { readAzureAccount } from './azure-account.ts';
import { AzureArchive, type AzureBlobs } from './azure-archive.ts';
import { createContainerClient } from './azure-client.ts';
import { answerOf, toAzureError } from './azure-error.ts';
import { createTokenSource } from './azure-token.ts';
import { putBlocks } from './put-blocks.ts';

/** What tests change. */
export interface AzureTuning {
  readonly limits?: TimeLimits;
  /** Bytes that one request puts; a larger file goes in blocks. Azure's own limit is 5000 MiB. Default 256 MiB, which holds every pack. */
  readonly largestWhole?: number;
  /** Bytes, four of which are in memory at once. Default 16 MiB. */
  readonly blockSize?: number;
  /** Blobs that one answer of a listing holds, at most 5000. */
  readonly pageSize?: number;
}

const mebibyte = 1024 * 1024;
const containerForm = /^(?=.{3,63}$)[a-z0-9]+(-[a-z0-9]+)*$/;
const tiers = ['Hot', 'Cool', 'Cold', 'Archive'] as const;

/**
 * A repository in a container of Azure Blob Storage, laid out as restic has it. Each object is one block blob, there as a whole or not at all.
 * No call makes a second attempt.
 * @throws `storage-url` for parameters, tiers and wishes that Azure (or this driver) does not know; `storage-setup` for credentials
 */
export async function createAzureStorage(address: AzureAddress, options: StorageOptions, tuning: AzureTuning = {}): Promise<Storage> {
  const location = `azure://${address.bucket}${address.prefix === '' ? '' : `/${address.prefix}`}`;
  assertParameters(location, address.parameters, ['endpoint', 'account']);
  if (!containerForm.test(address.bucket)) throw refusal(location, 'a container has 3 to 63 small letters, digits and single hyphens');
  if (options.lock !== undefined) throw refusal(location, 'locks are not made on Azure; give the container a policy of immutability there');
  if (options.asOf !== undefined) throw refusal(location, 'earlier versions are not read on Azure');
  const tier = readTier(location, options.storageClass);
  const environment = options.environment ?? process.env;
  const account = readAzureAccount(address, location, environment);
  const authority = await readAuthority(location, environment);
  const agent = createTimedAgent({
    protocol: account.endpoint.protocol === 'http:' ? 'http:' : 'https:',
    connections: options.connections ?? defaultConnections,
    environment: isLoopback(account.endpoint) ? {} : environment,
    ...(authority === undefined ? {} : { authority }),
    ...(tuning.limits === undefined ? {} : { limits: tuning.limits }),
  });
  const container = createContainerClient(account, address.bucket, agent, createTokenSource({ location, environment, authority }));
  return new AzureStorage({
    location,
    prefix: address.prefix === '' ? '' : `${address.prefix}/`,
    host: account.endpoint.host,
    container,
    agent,
    tier,
    tuning,
  });
}

function readTier(location: string, storageClass: string | undefined): string | undefined {
  if (storageClass === undefined) return undefined;
  const tier = tiers.find((name) => name.toLowerCase() === storageClass.toLowerCase());
  if (tier === undefined) throw refusal(location, `"${storageClass}" is no access tier (${tiers.join(', ')})`);
  return tier;
}

interface AzurePlace {
  readonly location: string;
  /** Of every blob's name: empty, or with a slash at its end. */
  readonly prefix: string;
  readonly host: string;
  readonly container: ContainerClient;
  readonly agent: Agent;
  readonly tier: string | undefined;
  readonly tuning: AzureTuning;
}

class AzureStorage implements Storage {
  readonly location: string;
  readonly archive: AzureArchive;
  readonly #place: AzurePlace;

  constructor(place: AzurePlace) {
    this.location = place.location;
    this.#place = place;
    this.archive = new AzureArchive({
      list: (prefix, signal) => this.#listItems(prefix, signal),
      work: (action, key, signal, work) => this.#attempt(action, key, signal, () => work(this.#blob(key))),
    });
  }

  /** Makes the container where there is none. */
  async create(): Promise<void> {
    const { container } = this.#place;
    /* Who may list need not be allowed to ask about the container itself. */
    const found = await this.#attempt('list', 'the objects', undefined, async () => {
      try {
        await container.listBlobsFlat().byPage({ maxPageSize: 1 }).next();
        return true;
      } catch (error) {
        if (answerOf(error)?.code === 'ContainerNotFound') return false;
        throw error;
      }
    });
    if (found) return;
    await this.#attempt('create', `the container ${container.containerName}`, undefined, () => container.createIfNotExists());
  }

  get(key: string, range?: ByteRange, signal?: AbortSignal): Promise<Uint8Array> {
    return this.#attempt('read', key, signal, async () => {
      const blob = this.#blob(key);
      const [measure, download] = [() => this.#measure(blob), () => this.#download(blob, key, range, signal)];
      return readRange({ key, location: this.location, range, signal, measure, download });
    });
  }

  put(key: string, data: Uint8Array, options: PutOptions = {}): Promise<void> {
    return this.#attempt('write', key, options.signal, () => this.#putBytes(this.#blob(key), key, data, options), options.ifAbsent);
  }

  putFile(key: string, path: string, options: PutOptions = {}): Promise<void> {
    return this.#attempt(
      'write',
      key,
      options.signal,
      async () => {
        const blob = this.#blob(key);
        throwIfInterrupted(options.signal);
        const source = { path, key, location: this.location };
        const size = await measureSourceFile(source);
        const { largestWhole = 256 * mebibyte, blockSize = 16 * mebibyte } = this.#place.tuning;
        if (size === 0) await this.#putBytes(blob, key, new Uint8Array(0), options);
        else if (size <= largestWhole) await this.#putStream(blob, source, size, options);
        else {
          const commit = async (ids: string[]): Promise<void> => void (await blob.commitBlockList(ids, this.#settings(key, options)));
          await putBlocks(blob, { path, size, blockSize, commit, ...(options.signal === undefined ? {} : { signal: options.signal }) });
        }
        await removeSourceFile(source);
      },
      options.ifAbsent,
    );
  }

  stat(key: string): Promise<ObjectInfo | undefined> {
    return this.#attempt('read', key, undefined, async () => {
      try {
        return { key, size: await this.#measure(this.#blob(key)) };
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw error;
      }
    });
  }

  async *list(prefix: string, signal?: AbortSignal): AsyncGenerator<ObjectInfo> {
    for await (const { info } of this.#listItems(prefix, signal)) yield info;
  }

  async *#listItems(prefix: string, signal?: AbortSignal): ReturnType<AzureBlobs['list']> {
    assertPrefix(prefix, this.location);
    throwIfInterrupted(signal);
    const { container, prefix: root, tuning } = this.#place;
    /* Only folders have metadata. */
    const options = { prefix: `${root}${prefix}`, includeMetadata: true, ...(signal === undefined ? {} : { abortSignal: signal }) };
    const pages = container
      .listBlobsFlat(options)
      .byPage({ maxPageSize: tuning.pageSize ?? 5000 })
      [Symbol.asyncIterator]();
    const subject = prefix === '' ? 'the objects' : prefix;
    for (;;) {
      const page = await this.#attempt('list', subject, signal, () => pages.next());
      if (page.done === true) return;
      for (const item of page.value.segment.blobItems) {
        throwIfInterrupted(signal);
        const info = infoOf(item, root);
        if (info !== undefined) yield { info, item };
      }
    }
  }

  remove(key: string): Promise<void> {
    return this.#attempt('remove', key, undefined, async () => {
      try {
        await this.#blob(key).delete({ deleteSnapshots: 'include' });
      } catch (error) {
        if (!isMissing(error)) throw error;
      }
    });
  }

  probe(signal?: AbortSignal): Promise<ServerSigns> {
    const { container, agent } = this.#place;
    return probeServer({ url: new URL('/', container.url), agent, location: this.location, signal });
  }

  async close(): Promise<void> {
    this.#place.agent.destroy();
  }

  #blob(key: string): BlockBlobClient {
    assertKey(key, this.location);
    return this.#place.container.getBlockBlobClient(`${this.#place.prefix}${key}`);
  }

  async #measure(blob: BlockBlobClient): Promise<number> {
    const { contentLength } = await blob.getProperties();
    if (contentLength === undefined) throw new Error('the server does not tell the size');
    return contentLength;
  }

  async #download(blob: BlockBlobClient, key: string, range: ByteRange | undefined, signal: AbortSignal | undefined): Promise<Uint8Array> {
    const answer = await blob
      .download(range?.offset ?? 0, range?.length, { maxRetryRequests: 0, ...(signal === undefined ? {} : { abortSignal: signal }) })
      .catch(async (error: unknown) => {
        if (answerOf(error)?.status !== 416) throw error;
        resolveRange(range, await this.#measure(blob), key, this.location);
        throw error;
      });
    const body = answer.readableStreamBody;
    if (!(body instanceof Readable)) throw new Error('the answer has no body');
    try {
      const { length } = resolveRange(range, totalOf(answer.contentRange, answer.contentLength), key, this.location);
      if (answer.contentLength !== length) throw new Error(`the server announced ${answer.contentLength} bytes of ${length}`);
      const data = await readBody(body, length);
      if (data.length < length) throw new Error(`the connection broke off after ${data.length} of ${length} bytes`);
      return data;
    } finally {
      body.destroy();
    }
  }

  async #putBytes(blob: BlockBlobClient, key: string, data: Uint8Array, options: PutOptions): Promise<void> {
    throwIfInterrupted(options.signal);
    const body = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    await blob.upload(body, body.length, { ...this.#settings(key, options), transactionalContentMD5: digestBytes(body) });
  }

  async #putStream(blob: BlockBlobClient, source: SourceFile, size: number, options: PutOptions): Promise<void> {
    const digest = await digestFile(source, options.signal);
    await sendFile(source, size, options.signal, (body, abortSignal) =>
      blob.upload(() => body, size, { ...this.#settings(source.key, options), abortSignal, transactionalContentMD5: digest }),
    );
  }

  /** Locks are read at once and live for minutes, and nothing that is read before the packs can wait for an archive. */
  #settings(key: string, { ifAbsent, signal }: PutOptions) {
    const { tier } = this.#place;
    const isCold =
      tier !== undefined &&
      (tier === 'Archive' ? !/^(?:config|keys|index|snapshots|locks|holdfast)(?:$|\/)/.test(key) : !key.startsWith('locks/'));
    return {
      ...(isCold ? { tier } : {}),
      ...(ifAbsent === true ? { conditions: { ifNoneMatch: '*' } } : {}),
      ...(signal === undefined ? {} : { abortSignal: signal }),
    };
  }

  async #attempt<T>(
    action: StorageAction,
    key: string,
    signal: AbortSignal | undefined,
    work: () => Promise<T>,
    ifAbsent = false,
  ): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof HoldfastError)) throwIfInterrupted(signal);
      throw toAzureError(error, { action, key, location: this.location }, this.#place.host, ifAbsent);
    }
  }
}

/** Undefined for what is no object of ours, such as the folders of an account with a hierarchical namespace. */
function infoOf({ name, properties, metadata }: BlobItem, root: string): ObjectInfo | undefined {
  const key = name.slice(root.length);
  const size = properties.contentLength;
  return size === undefined || !isKey(key) || metadata?.['hdi_isfolder'] === 'true' ? undefined : { key, size };
}

function isMissing(error: unknown): boolean {
  const answer = answerOf(error);
  return answer?.status === 404 && answer.code !== 'ContainerNotFound';
}
