/** restic and holdfast cut the same files into the same blobs: whoever comes second stores none. */
import { randomBytes } from 'node:crypto';
import { closeSync, ftruncateSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { noiseBytes, textBytes } from '../../../test/harness/trees/seeded-bytes.ts';
import { readInteger, readObject } from '../../util/wire.ts';
import { backUpTree, makeBench, type BackupBench } from './testing/backup-bench.ts';

const least = 512 * 1024;
const most = 8 * 1024 * 1024;

function makeFiles(folder: string): void {
  const seed = randomBytes(8).toString('hex');
  const write = (name: string, bytes: Uint8Array): void => {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), bytes);
  };
  for (const size of [
    0,
    1,
    63,
    64,
    65,
    4096,
    65_535,
    65_536,
    65_537,
    least - 64,
    least - 1,
    least,
    least + 1,
    least + 63,
    least + 65_536,
    2 * least,
  ])
    write(`noise/${size}`, noiseBytes(`${seed} ${size}`, size));
  write('large/noise', noiseBytes(`${seed} large`, 9_000_000));
  write('large/text', textBytes(seed, 3_000_000));
  write('large/repeated', Buffer.alloc(most + 70_000, noiseBytes(seed, 1009)));
  write('large/zeros', Buffer.alloc(2 * least + 17));
  write('large/ones', Buffer.alloc(most + 1, 1));
  write('large/half', Buffer.concat([Buffer.alloc(3_000_000), noiseBytes(`${seed} half`, 2_000_000), Buffer.alloc(600_000)]));
  for (let at = 0; at < 700; at++) write(`small/${at % 13}/${at}`, textBytes(`${seed} ${at}`, (at * 37) % 9000));
  const sparse = openSync(join(folder, 'sparse'), 'w');
  ftruncateSync(sparse, 20_000_000);
  writeSync(sparse, noiseBytes(`${seed} sparse`, 5000), 0, 5000, 9_999_000);
  closeSync(sparse);
}

/** What restic says it added. */
function dataBlobsAdded(bench: BackupBench, tree: string): number {
  const lines = bench.restic.run(['backup', '--json', '--force', tree]).toString().trim().split('\n');
  return readInteger(readObject(JSON.parse(lines.at(-1) ?? '{}'), 'the summary')['data_blobs'], 'data_blobs');
}

describe.each([1, 2, 3])('with the polynomial that restic drew, %i', (round) => {
  test('the second program adds no data', async () => {
    using bench = await makeBench();
    const tree = bench.at('tree');
    makeFiles(tree);
    if (round % 2 === 1) {
      expect(dataBlobsAdded(bench, tree)).toBeGreaterThan(700);
      const { summary, problems } = await backUpTree(await bench.open(), [tree], {}, { force: true });
      expect(problems).toEqual([]);
      expect([summary.dataBlobs, summary.filesNew]).toEqual([0, 723]);
    } else {
      const { summary } = await backUpTree(await bench.open(), [tree]);
      expect(summary.dataBlobs).toBeGreaterThan(700);
      expect(dataBlobsAdded(bench, tree)).toBe(0);
    }
    bench.restic.run(['check', '--read-data']);
  });
});
