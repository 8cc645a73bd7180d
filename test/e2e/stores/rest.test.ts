import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, test, vi } from 'vitest';
import { startOwnRestServer } from '../../harness/stores/own-rest-server.ts';
import { startRcloneRest } from '../../harness/stores/rclone.ts';
import { liveOneLife } from './life.ts';

vi.setConfig({ testTimeout: 600_000, hookTimeout: 120_000 });

const folder = mkdtempSync(join(tmpdir(), 'holdfast-rest-life-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.each(['holdfast serve rest', 'rclone serve restic'])("a repository's life on %s", async (name) => {
  const server = name.startsWith('holdfast') ? await startOwnRestServer({ folder }) : await startRcloneRest();
  try {
    const url = `rest:http://127.0.0.1:${server.port}/app/`;
    await liveOneLife({ url, otherUrl: `rest:http://127.0.0.1:${server.port}/other/place/`, environment: {}, resticUrl: url }, 64);
  } finally {
    await server.stop();
  }
});
