import { z } from 'zod';
import { HoldfastError } from '../../errors.ts';
import { resolveRange } from '../byte-range.ts';
import type { StorageAction } from '../file-error.ts';
import { readRange, totalOf } from '../http/answer-range.ts';
import { digestBytes, digestFile, sendFile } from '../http/file-body.ts';
import { networkFailure } from '../http/network-failure.ts';
import { probeServer } from '../http/probe-server.ts';
import { readBody } from '../http/read-body.ts';
import type { RequestBody } from '../http/send-request.ts';
import { throwIfInterrupted } from '../interruption.ts';
import { assertKey, assertPrefix, isKey } from '../object-key.ts';
import { measureSourceFile, removeSourceFile } from '../source-file.ts';
import type { GcsAddress } from '../storage-address.ts';
import type { StorageOptions } from '../storage-options.ts';
import type { ByteRange, ObjectInfo, PutOptions, ServerSigns, Storage } from '../storage.ts';
import { lacksBucket, toGcsError } from './gcs-error.ts';
import { GcsRefusal, multipartBody, objectPath, request, requestJson } from './gcs-requests.ts';
import { readGcsSettings, type GcsSettings, type GcsTuning } from './gcs-settings.ts';

const sizeForm = z.object({
  size: z
    .string()
    .regex(/^\d{1,15}$/)
    .transform(Number),
});
const pageForm = z.object({
  items: z.array(sizeForm.extend({ name: z.string() })).optional(),
  nextPageToken: z.string().min(1).optional(),
});

/**
 * A repository in a bucket of Google Cloud Storage, laid out as restic has it, by Google's JSON interface. Each object is put by one request, and there as a whole or not at all.
 * No call makes a second attempt.
 * @throws `storage-url` for parameters, classes and wishes that Google (or this driver) does not know; `storage-setup` for credentials
 */
export async function createGcsStorage(address: GcsAddress, options: StorageOptions, tuning: GcsTuning = {}): Promise<Storage> {
  return new GcsStorage(await readGcsSettings(address, options, tuning));
}

class GcsStorage implements Storage {
  readonly location: string;
  readonly #place: GcsSettings;

  constructor(place: GcsSettings) {
    this.location = place.location;
    this.#place = place;
  }

  /** Makes the bucket where there is none and the project is known. */
  async create(): Promise<void> {
    const { bucket, project, region } = this.#place;
    const found = await this.#attempt('list', 'the objects', undefined, async () => {
      try {
        await requestJson(this.#place, { query: { maxResults: '1', fields: 'nextPageToken' } });
        return true;
      } catch (error) {
        if (project !== undefined && error instanceof GcsRefusal && lacksBucket(error.answer)) return false;
        throw error;
      }
    });
    if (found || project === undefined) return;
    const made = {
      name: bucket,
      ...(region === undefined ? {} : { location: region }),
      iamConfiguration: { uniformBucketLevelAccess: { enabled: true }, publicAccessPrevention: 'enforced' },
    };
    const text = Buffer.from(JSON.stringify(made));
    await this.#attempt('create', `the bucket ${bucket}`, undefined, () =>
      requestJson(this.#place, {
        method: 'POST',
        path: '/b',
        query: { project },
        headers: { 'content-type': 'application/json' },
        body: { size: text.length, pieces: [text] },
      }),
    );
  }

  get(key: string, range?: ByteRange, signal?: AbortSignal): Promise<Uint8Array> {
    return this.#attempt('read', key, signal, async () => {
      const path = this.#path(key);
      const [measure, download] = [() => this.#measure(path), () => this.#download(path, key, range, signal)];
      return readRange({ key, location: this.location, range, signal, measure, download });
    });
  }

  put(key: string, data: Uint8Array, options: PutOptions = {}): Promise<void> {
    const { signal, ifAbsent } = options;
    return this.#attempt(
      'write',
      key,
      signal,
      () => this.#upload(key, { size: data.length, pieces: [data] }, digestBytes(data), ifAbsent, signal),
      ifAbsent,
    );
  }

  putFile(key: string, path: string, options: PutOptions = {}): Promise<void> {
    const { signal, ifAbsent } = options;
    return this.#attempt(
      'write',
      key,
      signal,
      async () => {
        assertKey(key, this.location);
        throwIfInterrupted(signal);
        const source = { path, key, location: this.location };
        const size = await measureSourceFile(source);
        const digest = await digestFile(source, signal);
        if (size === 0) await this.#upload(key, { size, pieces: [] }, digest, ifAbsent, signal);
        else await sendFile(source, size, signal, (pieces, either) => this.#upload(key, { size, pieces }, digest, ifAbsent, either));
        await removeSourceFile(source);
      },
      ifAbsent,
    );
  }

  stat(key: string): Promise<ObjectInfo | undefined> {
    return this.#attempt('read', key, undefined, async () => {
      try {
        return { key, size: await this.#measure(this.#path(key)) };
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw error;
      }
    });
  }

  async *list(prefix: string, signal?: AbortSignal): AsyncGenerator<ObjectInfo> {
    assertPrefix(prefix, this.location);
    throwIfInterrupted(signal);
    const { prefix: root, pageSize } = this.#place;
    const query = { prefix: `${root}${prefix}`, maxResults: String(pageSize), fields: 'items(name,size),nextPageToken' };
    for (let token: string | undefined, isFirst = true; isFirst || token !== undefined; isFirst = false) {
      const page = await this.#attempt('list', prefix === '' ? 'the objects' : prefix, signal, async () =>
        pageForm.parse(await requestJson(this.#place, { query: token === undefined ? query : { ...query, pageToken: token }, signal })),
      );
      for (const { name, size } of page.items ?? []) {
        throwIfInterrupted(signal);
        const key = name.slice(root.length);
        /* What others put there is none of ours. */
        if (name.startsWith(query.prefix) && isKey(key)) yield { key, size };
      }
      if (page.nextPageToken !== undefined && page.nextPageToken === token) throw this.#endless(prefix);
      token = page.nextPageToken;
    }
  }

  remove(key: string): Promise<void> {
    return this.#attempt('remove', key, undefined, async () => {
      try {
        (await request(this.#place, { method: 'DELETE', path: this.#path(key) })).resume();
      } catch (error) {
        if (!isMissing(error)) throw error;
      }
    });
  }

  probe(signal?: AbortSignal): Promise<ServerSigns> {
    const { endpoint, agent } = this.#place;
    return probeServer({ url: endpoint, agent, location: this.location, signal });
  }

  async close(): Promise<void> {
    this.#place.agent.destroy();
  }

  #path(key: string): string {
    assertKey(key, this.location);
    return objectPath(this.#place.bucket, `${this.#place.prefix}${key}`);
  }

  async #measure(path: string): Promise<number> {
    return sizeForm.parse(await requestJson(this.#place, { path, query: { fields: 'size' } })).size;
  }

  async #download(path: string, key: string, range: ByteRange | undefined, signal: AbortSignal | undefined): Promise<Uint8Array> {
    const headers = range === undefined ? {} : { range: `bytes=${range.offset}-${range.offset + range.length - 1}` };
    const answer = await request(this.#place, { path, query: { alt: 'media' }, headers, signal }).catch(async (error: unknown) => {
      if (!(error instanceof GcsRefusal) || error.answer.status !== 416) throw error;
      resolveRange(range, await this.#measure(path), key, this.location);
      throw error;
    });
    try {
      const { length } = resolveRange(
        range,
        totalOf(answer.headers['content-range'], answer.headers['content-length']),
        key,
        this.location,
      );
      const announced = answer.headers['content-length'];
      if (announced !== undefined && Number(announced) !== length) throw new Error(`the server announced ${announced} bytes of ${length}`);
      const data = await readBody(answer, length);
      if (data.length < length) throw new Error(`the connection broke off after ${data.length} of ${length} bytes`);
      return data;
    } finally {
      answer.destroy();
    }
  }

  /** The MD5 lets the server refuse what was damaged on the way. */
  async #upload(key: string, content: RequestBody, md5: Uint8Array, ifAbsent = false, signal?: AbortSignal): Promise<void> {
    assertKey(key, this.location);
    const { prefix, storageClass } = this.#place;
    /* Locks live for minutes; the colder classes bill months. */
    const isCold = storageClass !== undefined && !key.startsWith('locks/');
    const metadata = { name: `${prefix}${key}`, md5Hash: Buffer.from(md5).toString('base64'), ...(isCold ? { storageClass } : {}) };
    const { type, body } = multipartBody(metadata, content);
    const query = { uploadType: 'multipart', fields: 'size', ...(ifAbsent ? { ifGenerationMatch: '0' } : {}) };
    const stored = sizeForm.parse(
      await requestJson(this.#place, { method: 'POST', isUpload: true, query, headers: { 'content-type': type }, body, signal }),
    );
    if (stored.size !== content.size) throw new Error(`the server stored ${stored.size} of ${content.size} bytes`);
  }

  #endless(prefix: string): HoldfastError {
    return new HoldfastError('storage-failed', {
      action: 'list',
      key: prefix,
      location: this.location,
      reason: 'the server gives the same page again',
    });
  }

  async #attempt<T>(
    action: StorageAction,
    key: string,
    signal: AbortSignal | undefined,
    work: () => Promise<T>,
    ifAbsent = false,
  ): Promise<T> {
    const access = { action, key, location: this.location };
    try {
      return await work();
    } catch (error) {
      if (error instanceof GcsRefusal) throw toGcsError(error.answer, access, ifAbsent);
      if (!(error instanceof HoldfastError)) throwIfInterrupted(signal);
      throw networkFailure(
        error instanceof z.ZodError ? new Error('the answer is not of the form that was expected') : error,
        access,
        this.#place.endpoint.host,
      );
    }
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof GcsRefusal && error.answer.status === 404 && !lacksBucket(error.answer);
}
