import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeCertificate, type CertificateFiles } from '../../../test/harness/watch/make-certificate.ts';
import { isError } from '../../errors.ts';
import { probeServer } from './probe-server.ts';
import { createTimedAgent } from './timed-agent.ts';

const folder = await mkdtemp(join(tmpdir(), 'holdfast-probe-'));
const time = new Date('2031-02-03T04:05:06Z');
let files: CertificateFiles;
let url: URL;
let stop: () => void;

beforeAll(async () => {
  files = makeCertificate(folder);
  const server = createServer({ cert: await readFile(files.certificate), key: await readFile(files.key) }, (_, response) => {
    response.writeHead(403, { date: time.toUTCString() }).end();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  url = new URL(`https://127.0.0.1:${address !== null && typeof address === 'object' ? address.port : 0}/`);
  stop = () => {
    server.closeAllConnections();
    server.close();
  };
});
afterAll(async () => {
  stop();
  await rm(folder, { recursive: true, force: true });
});

function probe(authority: string | undefined) {
  const agent = createTimedAgent({
    protocol: 'https:',
    connections: 1,
    environment: {},
    ...(authority === undefined ? {} : { authority }),
  });
  return probeServer({ url, agent, location: 's3://bucket', signal: undefined }).finally(() => agent.destroy());
}

it('tells the clock of a server and how long its certificate holds, also where it refuses everything', async () => {
  const { time: told, certificateUntil } = await probe(await readFile(files.authority, 'utf8'));
  expect(told).toEqual(time);
  const { mtimeMs } = await stat(files.certificate);
  const days = ((certificateUntil?.getTime() ?? 0) - mtimeMs) / 86_400_000;
  expect(Math.round(days)).toBe(2);
});

it('a server that is not trusted is an error of the catalogue', async () => {
  const error: unknown = await probe(undefined).catch((thrown: unknown) => thrown);
  expect(isError(error, 'storage-setup')).toBe(true);
});
