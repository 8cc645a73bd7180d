/** Azure Blob Storage on this machine: Azurite, of npm, with an account and a folder of its own. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fetchPackage } from './fetched-package.ts';
import { spawnServer } from './spawned-server.ts';
import type { Certificate } from './under-real-names.ts';

const azurite = { name: 'azurite', version: '3.35.0', asOf: '2026-11-01', size: '186 MB, half a minute' };

export interface Azurite {
  readonly port: number;
  readonly account: string;
  readonly key: string;
  /** For `endpoint=` in an address. */
  readonly endpoint: string;
  /** What opens the account by its key. */
  readonly environment: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

export interface AzuriteOptions {
  /** The server then speaks TLS, and takes tokens. */
  readonly certificate?: Certificate;
}

/** Fetches Azurite where it is not here yet. */
export async function fetchAzurite(): Promise<void> {
  await fetchPackage(azurite);
}

export async function startAzurite(options: AzuriteOptions = {}): Promise<Azurite> {
  const program = join(await fetchPackage(azurite), 'node_modules', 'azurite', 'dist', 'src', 'blob', 'main.js');
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-azurite-'));
  const account = 'holdfasttest';
  const key = randomBytes(64).toString('base64');
  const { certificate } = options;
  const tls = certificate === undefined ? [] : ['--cert', certificate.cert, '--key', certificate.key, '--oauth', 'basic'];
  const server = await spawnServer({
    name: 'Azurite',
    file: process.execPath,
    args: [
      program,
      '--blobHost',
      '127.0.0.1',
      '--blobPort',
      '0',
      '--location',
      folder,
      '--disableTelemetry',
      '--skipApiVersionCheck',
      ...tls,
    ],
    environment: { AZURITE_ACCOUNTS: `${account}:${key}` },
    folder,
    ready: /listens on https?:\/\/[^:]+:(\d+)/,
  }).catch(async (error: unknown) => {
    await rm(folder, { recursive: true, force: true });
    throw error;
  });
  const port = Number(server.found);
  return {
    port,
    account,
    key,
    endpoint: `${certificate === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    environment: { AZURE_ACCOUNT_NAME: account, AZURE_ACCOUNT_KEY: key },
    stop: async () => {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
