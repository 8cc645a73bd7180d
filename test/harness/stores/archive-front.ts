/**
 * Stands before a real S3 server and answers like Amazon for objects of an archive class, which Ceph reads at once: GET is refused until the object was
 * asked for and has come, HEAD tells how far that is, and POST ?restore asks. All else passes as it is.
 */
import { once } from 'node:events';
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';

export interface ArchiveFront {
  readonly endpoint: string;
  /** What was asked for, by path: with the tier and the days. */
  readonly asked: Map<string, string>;
  /** How often each object is looked at before it has come. */
  lookups: number;
  /** Requests for what had been asked for already. */
  readonly askedTwice: string[];
  stop(): Promise<void>;
}

const isArchived = (path: string): boolean => /\/data\//.test(path);

/** @param endpoint of the server, as `http://127.0.0.1:7480` */
export async function startArchiveFront(endpoint: string): Promise<ArchiveFront> {
  const asked = new Map<string, string>();
  const looked = new Map<string, number>();
  const askedTwice: string[] = [];
  const target = new URL(endpoint);
  const come = new Set<string>();
  const hasCome = (path: string): boolean => {
    if (asked.has(path) && (looked.get(path) ?? 0) > front.lookups) come.add(path);
    return come.has(path);
  };
  const server = createServer((incoming, answer) => {
    const { pathname, searchParams } = new URL(incoming.url ?? '/', endpoint);
    if (!isArchived(pathname)) return pass(target, incoming, answer);
    if (incoming.method === 'POST' && searchParams.has('restore')) return void takeRequest(pathname, incoming, answer);
    if (incoming.method === 'GET' && !hasCome(pathname)) return refuse(answer, 403, 'InvalidObjectState');
    if (incoming.method === 'HEAD' && asked.has(pathname)) looked.set(pathname, (looked.get(pathname) ?? 0) + 1);
    return pass(target, incoming, answer, asked.has(pathname) ? restoreHeader(hasCome(pathname)) : {});
  });
  const takeRequest = async (path: string, incoming: IncomingMessage, answer: ServerResponse): Promise<void> => {
    const body = Buffer.concat(await incoming.toArray()).toString('utf8');
    if (asked.has(path)) {
      askedTwice.push(path);
      return refuse(answer, 409, 'RestoreAlreadyInProgress');
    }
    asked.set(path, `${/<Tier>(\w+)</.exec(body)?.[1]} ${/<Days>(\d+)</.exec(body)?.[1]}`);
    answer.writeHead(202, { 'content-length': 0 }).end();
  };
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  const front: ArchiveFront = {
    endpoint: `http://127.0.0.1:${address.port}`,
    asked,
    askedTwice,
    lookups: 2,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return front;
}

function restoreHeader(hasCome: boolean): Record<string, string> {
  const restore = hasCome ? 'ongoing-request="false", expiry-date="Fri, 21 Dec 2057 00:00:00 GMT"' : 'ongoing-request="true"';
  return { 'x-amz-restore': restore };
}

function refuse(answer: ServerResponse, status: number, code: string): void {
  const body = `<?xml version="1.0"?><Error><Code>${code}</Code></Error>`;
  answer.writeHead(status, { 'content-type': 'application/xml', 'content-length': body.length }).end(body);
}

function pass(target: URL, incoming: IncomingMessage, answer: ServerResponse, more: Record<string, string> = {}): void {
  const { method, url, headers } = incoming;
  const onward = request({ host: target.hostname, port: target.port, method, path: url, headers }, (response) => {
    answer.writeHead(response.statusCode ?? 502, { ...response.headers, ...more });
    response.pipe(answer);
  });
  onward.on('error', () => answer.destroy());
  incoming.pipe(onward);
}
