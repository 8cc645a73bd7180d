/** What each method does to each target. Everything stored is whole and verified before it has its name. */
import { rm } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { isError } from '../../errors.ts';
import type { ServedRepository } from '../../operations/served-repository.ts';
import { answer } from './answer.ts';
import { receiveUpload } from './receive-upload.ts';
import type { RestTarget } from './rest-target.ts';
import { sendFile } from './send-file.ts';
import type { UsedSpace } from './used-space.ts';

export interface RestExchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly repository: ServedRepository;
  readonly appendOnly: boolean;
  readonly space: UsedSpace | undefined;
}

const listingForms = {
  names: 'application/vnd.x.restic.rest.v1',
  sizes: 'application/vnd.x.restic.rest.v2',
  objects: 'application/vnd.holdfast.rest.v1',
} as const;

/** Answers a request whose user may use the repository. Throws what the file system does not expect. */
export async function handle(exchange: RestExchange, target: RestTarget): Promise<void> {
  const { request, response, repository } = exchange;
  const { method = '' } = request;
  if (target.kind === 'repository') {
    if (method === 'POST' && target.create) {
      await repository.create();
      return answer(response, 200);
    }
    return answer(response, method === 'DELETE' ? 501 : method === 'POST' ? 400 : 405);
  }
  if (!repository.exists()) return answer(response, 404);
  if (target.kind === 'folder' || target.kind === 'objects')
    return method === 'GET' || method === 'HEAD' ? sendListing(exchange, target) : answer(response, 405);
  switch (method) {
    case 'GET':
    case 'HEAD':
      return sendFile(request, response, repository.path(target.key));
    case 'POST':
      return store(exchange, target);
    case 'DELETE':
      return remove(exchange, target);
    default:
      return answer(response, 405);
  }
}

type FileTarget = Extract<RestTarget, { readonly key: string }>;

async function store({ request, response, repository, appendOnly, space }: RestExchange, target: FileTarget): Promise<void> {
  const upload = await receiveUpload(request, await repository.stagingFolder(), space);
  if (upload === 'broken') return answer(response, 400, 'the body is not whole');
  if (upload === 'too-large') return answer(response, 413, 'the object is larger than this server takes');
  if (upload === 'full') return answer(response, 507, 'the size that this server may reach is reached');
  const discard = async (): Promise<void> => {
    space?.giveBack(upload.size);
    await rm(upload.path, { force: true });
  };
  const name = target.kind === 'file' ? target.name : undefined;
  if (name !== undefined && name !== upload.hash) {
    await discard();
    return answer(response, 400, 'the SHA-256 of the content is not its name');
  }
  const isConditional = request.headers['if-none-match'] === '*';
  // What is named by its content may be stored again: it can only be the same.
  const mustBeNew = isConditional || (name === undefined && (target.kind === 'file' || appendOnly));
  const before = await repository.stat(target.key);
  try {
    await repository.putFile(target.key, upload.path, { ifAbsent: mustBeNew });
  } catch (error) {
    await discard();
    if (isError(error, 'storage-exists')) return answer(response, isConditional ? 412 : 403, 'it is there already');
    if (isError(error, 'storage-full')) return answer(response, 507, 'the disk is full');
    throw error;
  }
  space?.giveBack(before?.size ?? 0);
  return answer(response, 200);
}

async function remove({ response, repository, appendOnly, space }: RestExchange, target: FileTarget): Promise<void> {
  if (appendOnly && !(target.kind === 'file' && target.type === 'locks')) return answer(response, 403, 'this server is append-only');
  const before = await repository.stat(target.key);
  if (before === undefined) return answer(response, 404);
  await repository.remove(target.key);
  space?.giveBack(before.size);
  return answer(response, 200);
}

type ListTarget = Extract<RestTarget, { readonly kind: 'folder' | 'objects' }>;

async function sendListing({ request, response, repository }: RestExchange, target: ListTarget): Promise<void> {
  const accepted = request.headers.accept ?? '';
  // By the form of its answer a client knows that this server keeps names with folders.
  const form = target.kind === 'objects' ? 'objects' : accepted.includes(listingForms.sizes) ? 'sizes' : 'names';
  response.writeHead(200, { 'Content-Type': listingForms[form] });
  if (request.method === 'HEAD') {
    response.end();
    return undefined;
  }
  await pipeline(Readable.from(listing(repository, target, form === 'names')), response);
  return undefined;
}

async function* listing(repository: ServedRepository, target: ListTarget, namesAlone: boolean): AsyncGenerator<string> {
  let separator = '[';
  for await (const { key, size } of repository.list(target.kind === 'objects' ? target.prefix : `${target.type}/`)) {
    const name = target.kind === 'objects' ? key.slice('holdfast/'.length) : key.slice(key.lastIndexOf('/') + 1);
    yield `${separator}${JSON.stringify(namesAlone ? name : { name, size })}`;
    separator = ',';
  }
  yield separator === '[' ? '[]' : ']';
}
