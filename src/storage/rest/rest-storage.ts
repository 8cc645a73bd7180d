import { createReadStream } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { HoldfastError } from '../../errors.ts';
import { assertRange, resolveRange, sliceRange } from '../byte-range.ts';
import type { FailedAccess, StorageAction } from '../file-error.ts';
import { readSigns } from '../http/probe-server.ts';
import { readBody, readText } from '../http/read-body.ts';
import type { TimeLimits } from '../http/timed-agent.ts';
import { throwIfInterrupted } from '../interruption.ts';
import { assertKey, assertPrefix } from '../object-key.ts';
import { measureSourceFile, removeSourceFile } from '../source-file.ts';
import { refusal, type RestAddress } from '../storage-address.ts';
import { defaultConnections, type StorageOptions } from '../storage-options.ts';
import type { ByteRange, ObjectInfo, PutOptions, ServerSigns, Storage } from '../storage.ts';
import { refusedBy, RestClient, type RestBody, type RestRequest } from './rest-client.ts';
import { holdfastListing, parseListing, resticListing, type ListedFile } from './rest-listing.ts';
import { keyOfListed, keyOfObject, objectFolder, objectPath, placeOf, typesBelow, type ObjectLayout, type RestType } from './rest-paths.ts';

/* What servers answer to a path that they can have nothing under. */
const notCarriedStatuses = [400, 404, 405];
/* A million files and more. */
const longestListing = 256 * 1024 * 1024;

/**
 * A repository behind restic's REST protocol. What that does not know, our objects below `holdfast/`, goes to servers that take it: `holdfast serve rest`
 * as they are, others that take any path (rclone) under flat names; the rest refuse it with `storage-refused`. Nothing is touched until the first call.
 * @throws `storage-url`, `storage-setup`
 */
export async function createRestStorage(
  address: RestAddress,
  options: StorageOptions = {},
  internals: { readonly limits?: TimeLimits } = {},
): Promise<Storage> {
  const url = `rest:${address.url}`;
  if (options.storageClass !== undefined) throw refusal(url, 'a REST server has no storage classes');
  if (options.lock !== undefined) throw refusal(url, 'a REST server locks nothing; one that is append-only lets nothing be deleted');
  if (options.asOf !== undefined) throw refusal(url, 'a REST server keeps no earlier versions');
  const { connections = defaultConnections, environment = process.env } = options;
  return new RestStorage(await RestClient.open(address, { connections, environment, ...internals }));
}

class RestStorage implements Storage {
  readonly location: string;
  readonly #client: RestClient;
  #layout: Promise<ObjectLayout> | undefined;

  constructor(client: RestClient) {
    this.location = client.location;
    this.#client = client;
  }

  async create(): Promise<void> {
    const request: RestRequest = { method: 'POST', path: '?create=true', access: this.#access('create', 'the repository') };
    const answer = await this.#client.status(request);
    if (answer.status < 200 || answer.status >= 300) throw refusedBy(answer, request);
  }

  async get(key: string, range?: ByteRange, signal?: AbortSignal): Promise<Uint8Array> {
    assertRange(range, key);
    const path = await this.#pathOf(key);
    throwIfInterrupted(signal);
    if (path === undefined) throw this.#missing(key);
    if (range?.length === 0) {
      const there = await this.stat(key);
      if (there === undefined) throw this.#missing(key);
      resolveRange(range, there.size, key, this.location);
      return new Uint8Array(0);
    }
    const headers = range === undefined ? {} : { Range: `bytes=${range.offset}-${range.offset + range.length - 1}` };
    const request: RestRequest = { method: 'GET', path, headers, signal, access: this.#access('read', key) };
    const response = await this.#client.send(request);
    return this.#client.reading(response, request, () => this.#readContent(response, request, range));
  }

  async #readContent(response: IncomingMessage, request: RestRequest, range: ByteRange | undefined): Promise<Uint8Array> {
    const { statusCode: status = 0, headers } = response;
    const { key } = request.access;
    if (status === 416 && range !== undefined) {
      resolveRange(range, (await this.stat(key))?.size ?? 0, key, this.location);
      throw refusedBy({ status }, request);
    }
    if (placeOf(key).kind === 'object' && notCarriedStatuses.includes(status)) throw this.#missing(key);
    if (status !== 200 && status !== 206) throw refusedBy({ status, text: await readText(response, 4096).catch(() => '') }, request);
    const size = Number(headers['content-length'] ?? Number.NaN);
    if (!Number.isSafeInteger(size) || size < 0) {
      // So rclone answers a range behind the end.
      if (range !== undefined) resolveRange(range, (await this.stat(key))?.size ?? 0, key, this.location);
      throw new Error('the server does not say how many bytes it sends');
    }
    if (status === 206 && range !== undefined && size !== range.length) {
      throw new HoldfastError('storage-short', { key, location: this.location, wanted: range.length, got: size });
    }
    // Asked for a range, a server may send everything all the same.
    const wanted = status === 200 ? resolveRange(range, size, key, this.location) : range;
    resolveRange(undefined, size, key, this.location);
    const data = await readBody(response, size);
    if (data.length < size) throw new HoldfastError('storage-short', { key, location: this.location, wanted: size, got: data.length });
    return status === 200 && range !== undefined ? sliceRange(data, wanted, key, this.location) : data;
  }

  async put(key: string, data: Uint8Array, options: PutOptions = {}): Promise<void> {
    await this.#store(
      key,
      () => ({ size: data.length, content: data.buffer instanceof SharedArrayBuffer ? new Uint8Array(data) : data }),
      options,
    );
  }

  async putFile(key: string, path: string, options: PutOptions = {}): Promise<void> {
    assertKey(key, this.location);
    throwIfInterrupted(options.signal);
    const source = { path, key, location: this.location };
    const size = await measureSourceFile(source);
    const content = (): RestBody =>
      size === 0 ? { size, content: new Uint8Array(0) } : { size, content: createReadStream(path, { end: size - 1 }) };
    await this.#store(key, content, options);
    await removeSourceFile(source);
  }

  /** Servers do not replace: what is there is removed first, where that is allowed and it is not the same. */
  async #store(key: string, body: () => RestBody, options: PutOptions): Promise<void> {
    const { signal, ifAbsent = false } = options;
    const path = await this.#pathOf(key);
    if (path === undefined) throw this.#notCarried(key);
    throwIfInterrupted(signal);
    if (ifAbsent && (await this.stat(key)) !== undefined) throw new HoldfastError('storage-exists', { key, location: this.location });
    const send = async (): Promise<HoldfastError | 'taken' | undefined> => {
      const request = {
        method: 'POST',
        path,
        headers: ifAbsent ? { 'If-None-Match': '*' } : {},
        body: body(),
        signal,
        access: this.#access('write', key),
      } as const;
      const answer = await this.#client.status(request);
      if (answer.status >= 200 && answer.status < 300) return undefined;
      const isTaken = answer.status === 412 || (answer.status === 403 && (await this.stat(key)) !== undefined);
      if (isTaken) return 'taken';
      return placeOf(key).kind === 'object' && notCarriedStatuses.includes(answer.status)
        ? this.#notCarried(key)
        : refusedBy(answer, request);
    };
    let failure = await send();
    if (failure === 'taken' && ifAbsent) throw new HoldfastError('storage-exists', { key, location: this.location });
    if (failure === 'taken') {
      const place = placeOf(key);
      // Named by its content, and of the size that it should have: it is the same.
      if (place.kind === 'own' && place.isNamedByContent && (await this.stat(key))?.size === body().size) return;
      await this.remove(key);
      failure = await send();
    }
    if (failure === 'taken') throw new HoldfastError('storage-exists', { key, location: this.location });
    if (failure !== undefined) throw failure;
  }

  async stat(key: string): Promise<ObjectInfo | undefined> {
    const path = await this.#pathOf(key);
    if (path === undefined) return undefined;
    const request: RestRequest = { method: 'HEAD', path, access: this.#access('read', key) };
    const { status, headers } = await this.#client.status(request);
    if (status === 404 || (placeOf(key).kind === 'object' && notCarriedStatuses.includes(status))) return undefined;
    const size = Number(headers['content-length'] ?? Number.NaN);
    if (status !== 200) throw refusedBy({ status }, request);
    if (Number.isSafeInteger(size)) return { key, size };
    throw new HoldfastError('storage-failed', { ...request.access, reason: 'the server does not say how many bytes it has' });
  }

  async *list(prefix: string, signal?: AbortSignal): AsyncGenerator<ObjectInfo> {
    assertPrefix(prefix, this.location);
    throwIfInterrupted(signal);
    if (prefix === '') {
      const config = await this.stat('config');
      if (config !== undefined) yield config;
    }
    for (const type of typesBelow(prefix)) yield* this.#listType(type, prefix, signal);
    if (prefix === '' || prefix.startsWith(objectFolder)) yield* this.#listObjects(prefix, signal);
  }

  async *#listType(type: RestType, prefix: string, signal?: AbortSignal): AsyncGenerator<ObjectInfo> {
    const { files } = await this.#readListing(`${type}/`, signal);
    for (const file of files) {
      throwIfInterrupted(signal);
      const key = keyOfListed(type, file.name);
      if (key?.startsWith(prefix) === true) yield* this.#sized(key, file);
    }
  }

  async *#listObjects(prefix: string, signal?: AbortSignal): AsyncGenerator<ObjectInfo> {
    const layout = await this.#objectLayout();
    const folder = layout === 'nested' && prefix !== '' ? prefix : objectFolder;
    const { files } = await this.#readListing(folder, signal);
    for (const file of files) {
      throwIfInterrupted(signal);
      const key = keyOfObject(file.name, layout);
      if (key?.startsWith(prefix) === true) yield* this.#sized(key, file);
    }
  }

  async *#sized(key: string, { size }: ListedFile): AsyncGenerator<ObjectInfo> {
    const info = size === undefined ? await this.stat(key) : { key, size };
    if (info !== undefined) yield info;
  }

  async #readListing(path: string, signal?: AbortSignal): Promise<{ readonly files: readonly ListedFile[]; readonly form: string }> {
    const request: RestRequest = { method: 'GET', path, headers: { Accept: resticListing }, signal, access: this.#access('list', path) };
    const response = await this.#client.send(request);
    return this.#client.reading(response, request, async () => {
      const { statusCode: status = 0, headers } = response;
      const isForeign = path.startsWith(objectFolder) && notCarriedStatuses.includes(status);
      if (status === 404 || isForeign) return { files: [], form: '' };
      const text = await readText(response, status === 200 ? longestListing : 4096);
      if (status !== 200) throw refusedBy({ status, text }, request);
      return { files: parseListing(text), form: headers['content-type'] ?? '' };
    });
  }

  async remove(key: string): Promise<void> {
    const path = await this.#pathOf(key);
    if (path === undefined) return;
    const request: RestRequest = { method: 'DELETE', path, access: this.#access('remove', key) };
    const answer = await this.#client.status(request);
    if ((answer.status >= 200 && answer.status < 300) || answer.status === 404) return;
    if (answer.status !== 403 && answer.status !== 405) throw refusedBy(answer, request);
    // Some refuse even what is not there.
    if ((await this.stat(key)) === undefined) return;
    throw new HoldfastError('storage-refused', {
      ...request.access,
      reason: 'the server lets nothing be deleted or replaced (it is append-only)',
      help: 'Prune where the repository lies, or through a server that is not append-only',
    });
  }

  async probe(signal?: AbortSignal): Promise<ServerSigns> {
    return readSigns(await this.#client.send({ method: 'HEAD', path: 'config', signal, access: this.#access('read', 'the server') }));
  }

  async close(): Promise<void> {
    this.#client.close();
  }

  #access(action: StorageAction, key: string): FailedAccess {
    return { action, key, location: this.location };
  }

  /** Where a key lies on this server; undefined where it can have no such key. */
  async #pathOf(key: string): Promise<string | undefined> {
    assertKey(key, this.location);
    const place = placeOf(key);
    if (place.kind === 'own') return place.path;
    return place.kind === 'object' ? objectPath(place.name, await this.#objectLayout()) : undefined;
  }

  /** Asked once: servers that know our objects say so in the form of their listing. */
  #objectLayout(): Promise<ObjectLayout> {
    this.#layout ??= this.#readListing(objectFolder)
      .then(({ form }) => (form.startsWith(holdfastListing) ? ('nested' as const) : ('flat' as const)))
      .catch((error: unknown) => {
        this.#layout = undefined;
        throw error;
      });
    return this.#layout;
  }

  #missing(key: string): HoldfastError {
    return new HoldfastError('storage-missing', { key, location: this.location });
  }

  #notCarried(key: string): HoldfastError {
    return new HoldfastError('storage-refused', {
      ...this.#access('write', key),
      reason: "this REST server keeps the files of restic's own format and nothing else",
      help: 'Use "holdfast serve rest", or another kind of storage',
    });
  }
}
