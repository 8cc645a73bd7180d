/**
 * Something like Google Cloud Storage on this machine: the storage emulator of Firebase, of npm. It is no judge: it looks at no credentials and no conditions (the condition that
 * we use is put in front of it by `gcs-emulator-server.ts`), and every bucket is there. No conforming server is to be had.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fetchPackage } from './fetched-package.ts';
import { spawnServer } from './spawned-server.ts';
import type { Certificate } from './under-real-names.ts';

/* Its own files, and only those of its dependencies that they use: 12 MB instead of 300. */
const firebase = {
  name: 'firebase-tools',
  version: '15.34.2',
  asOf: '2026-11-01',
  size: '12 MB',
  only: ['express@4.22.3', 'body-parser@1.20.9', 'fs-extra@10.1.0'],
};

export interface GcsEmulator {
  readonly port: number;
  /** For `endpoint=` in an address. */
  readonly endpoint: string;
  /** What sends requests there, without credentials. */
  readonly environment: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

/** Fetches the emulator where it is not here yet. */
export async function fetchGcsEmulator(): Promise<void> {
  await fetchPackage(firebase);
}

export interface GcsEmulatorOptions {
  /** The emulator then speaks TLS. */
  readonly certificate?: Certificate;
}

export async function startGcsEmulator({ certificate }: GcsEmulatorOptions = {}): Promise<GcsEmulator> {
  const packages = await fetchPackage(firebase);
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-gcs-'));
  const removeFolder = (): Promise<void> => rm(folder, { recursive: true, force: true });
  const server = await spawnServer({
    name: "Firebase's storage emulator",
    file: process.execPath,
    args: [
      join(import.meta.dirname, 'gcs-emulator-server.ts'),
      packages,
      join(folder, 'objects'),
      ...(certificate === undefined ? [] : [certificate.cert, certificate.key]),
    ],
    folder,
    ready: /listens on (\d+)/,
  }).catch(async (error: unknown) => {
    await removeFolder();
    throw error;
  });
  const port = Number(server.found);
  return {
    port,
    endpoint: `${certificate === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    environment: { STORAGE_EMULATOR_HOST: `127.0.0.1:${port}` },
    stop: async () => {
      await server.stop();
      await removeFolder();
    },
  };
}
