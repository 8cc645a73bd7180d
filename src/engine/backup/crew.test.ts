import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { makeBench, backUpTree } from './testing/backup-bench.ts';
import { releaseCrew, takeCrew } from './crew.ts';

const run = promisify(execFile);

test('the threads of a run that ended well do the next one, with the same memory', async () => {
  const crew = takeCrew();
  releaseCrew(crew);
  expect(takeCrew()).toBe(crew);
  const other = takeCrew();
  expect(other).not.toBe(crew);
  releaseCrew(crew);
  // One is kept.
  releaseCrew(other);
  expect(takeCrew()).toBe(crew);
  await crew.end();
  const next = takeCrew();
  expect(next).not.toBe(crew);
  await next.end();
});

test('threads of which one has died are not used again', async () => {
  const crew = takeCrew();
  const died = once(crew.engine, 'exit');
  await crew.engine.terminate();
  await died;
  releaseCrew(crew);
  const next = takeCrew();
  expect(next).not.toBe(crew);
  releaseCrew(next);
  const exited = once(next.engine, 'exit');
  await next.engine.terminate();
  await exited;
  const third = takeCrew();
  expect(third).not.toBe(next);
  await third.end();
});

test('one backup after the other in one process: each holds its own', async () => {
  using bench = await makeBench();
  const repository = await bench.open();
  for (const [at, size] of [10, 5_000_000, 0, 9_000_000, 700].entries()) {
    const file = bench.at(`file${at}`);
    writeFileSync(file, Buffer.alloc(size, `${at} and more`));
    const { snapshotId = '' } = (await backUpTree(repository, [file])).summary;
    expect(bench.restic.run(['dump', snapshotId, file]).equals(Buffer.alloc(size, `${at} and more`))).toBe(true);
  }
  await repository.close();
});

test('a process whose threads wait for the next run ends at once', async () => {
  const file = JSON.stringify(new URL('./crew.ts', import.meta.url).href);
  const script = `const { releaseCrew, takeCrew } = await import(${file});
    const crew = takeCrew();
    crew.blobWorker(0);
    releaseCrew(crew);
    process.on('exit', () => console.log(crew.engine.threadId > 0 ? 'while they wait' : 'after they were ended'));`;
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', script]);
  expect(stdout).toBe('while they wait\n');
});
