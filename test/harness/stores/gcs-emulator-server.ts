/**
 * The process that is the storage emulator of Firebase: started with the folder that holds its `node_modules`, a folder for its
 * objects, and for TLS the files of a certificate and its key. It says where it listens.
 *
 * Its own files are run as they are. What they would drag in beside (the command line of Firebase, 300 MB) is replaced by nothing: its log, its statistics, its list of running
 * emulators. One thing is put in front that Google has and the emulator lacks: the condition `ifGenerationMatch=0`.
 */
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { createRequire, registerHooks } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

interface Emulator {
  readonly storageLayer: unknown;
  readonly adminStorageLayer: StorageLayer;
  readonly uploadService: unknown;
}

interface StorageLayer {
  getObject(wanted: { readonly bucketId: string; readonly decodedObjectId: string }): Promise<unknown>;
}

interface Parts {
  readonly StorageLayer: new (...parts: readonly unknown[]) => StorageLayer;
  readonly Persistence: new (folder: string) => unknown;
  readonly UploadService: new (persistence: unknown) => unknown;
  readonly createCloudEndpoints: (emulator: Emulator) => unknown;
  readonly express: () => RequestListener & { use(path: string, router: unknown): void };
}

const [, , packages = '', objects = '', cert, key] = process.argv;

/* Whatever is asked of it is a function that does nothing and gives it back. */
const nothing = `const nothing = new Proxy(function () {}, { get: (_, name) => (name === Symbol.toPrimitive ? () => 'http://emulator' : nothing), apply: () => nothing, construct: () => nothing, set: () => true });
module.exports = nothing;`;
const left = /\/(error|logger|track|utils|registry|emulatorLogger|adminSdkConfig|constants)$/;

registerHooks({
  resolve: (specifier, context, next) => {
    const isTheirs = context.parentURL?.includes('/firebase-tools/') === true && left.test(specifier);
    return isTheirs ? { url: 'nothing:', format: 'commonjs', shortCircuit: true } : next(specifier, context);
  },
  load: (url, context, next) => (url === 'nothing:' ? { format: 'commonjs', source: nothing, shortCircuit: true } : next(url, context)),
});

function loadParts(): Parts {
  const load = createRequire(pathToFileURL(join(packages, 'node_modules', 'here.js')));
  const parts: Record<string, unknown> = { express: load('express') };
  for (const file of ['files', 'persistence', 'upload', 'apis/gcloud'])
    Object.assign(parts, load(`firebase-tools/lib/emulator/storage/${file}.js`));
  return parts as unknown as Parts;
}

function startEmulator(): { readonly app: RequestListener; readonly layer: StorageLayer } {
  const parts = loadParts();
  const persistence = new parts.Persistence(objects);
  const everybody = { validate: () => Promise.resolve(true) };
  const layer = new parts.StorageLayer('project', new Map(), new Map(), everybody, everybody, persistence, { dispatch: () => {} });
  const app = parts.express();
  app.use(
    '/',
    parts.createCloudEndpoints({ storageLayer: layer, adminStorageLayer: layer, uploadService: new parts.UploadService(persistence) }),
  );
  return { app, layer };
}

const { app, layer } = startEmulator();

/* Conditional uploads go one after another, so that exactly one of several wins, as at Google. */
let turn: Promise<unknown> = Promise.resolve();

async function uploadIfAbsent(request: IncomingMessage, response: ServerResponse, bucketId: string): Promise<void> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of request as AsyncIterable<Uint8Array>) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  const name = /"name":"([^"]+)"/.exec(body.subarray(0, 2000).toString('latin1'))?.[1] ?? '';
  turn = turn
    .catch(() => {})
    .then(async () => {
      const isTaken = await layer.getObject({ bucketId, decodedObjectId: name }).then(
        () => true,
        () => false,
      );
      if (isTaken) return refuse(response);
      /* As the emulator's own parser would have left it. */
      Object.assign(request, { rawBody: body, body, _body: true });
      const ended = new Promise((resolve) => response.once('close', resolve));
      app(request, response);
      await ended;
      return undefined;
    });
  await turn;
}

/** In Google's words. */
function refuse(response: ServerResponse): void {
  const message = 'At least one of the pre-conditions you specified did not hold.';
  response.writeHead(412, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ error: { code: 412, message, errors: [{ message, domain: 'global', reason: 'conditionNotMet' }] } }));
}

const listen: RequestListener = (request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://emulator');
  const bucket = /\/b\/([^/]+)/.exec(pathname)?.[1] ?? '';
  if (searchParams.get('ifGenerationMatch') !== '0') return app(request, response);
  return void uploadIfAbsent(request, response, bucket).catch((error: unknown) =>
    response.destroy(error instanceof Error ? error : undefined),
  );
};

const server =
  cert === undefined || key === undefined
    ? createServer(listen)
    : createTlsServer({ cert: readFileSync(cert), key: readFileSync(key) }, listen);

server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a port was expected');
  process.stdout.write(`listens on ${address.port}\n`);
});
