/** An archive as a folder of files. */
import type { RunContext } from '../../engine/run-context.ts';
import { throwIfAborted } from '../../engine/run-context.ts';
import type { ArchiveItem } from './archive-item.ts';
import { manifestFile, readmeFile, sumsFile } from './archive-names.ts';
import { fileNameOf, type ArchivePlan } from './archive-plan.ts';
import type { ArchiveTarget, WrittenFile } from './archive-target.ts';
import { compress } from './compress.ts';
import { describeArchive, type DescribedFile } from './describe-archive.ts';
import { packDump } from './pack-dump.ts';
import type { Sealer } from './sealing.ts';
import { makeTar } from './tar-stream.ts';
import { writeReadme } from './write-readme.ts';

/** The data, then what describes it; the list of sums last. */
export async function writeFiles(
  plan: ArchivePlan,
  target: ArchiveTarget,
  sealer: Sealer | undefined,
  { events, signal }: RunContext,
): Promise<WrittenFile[]> {
  const sealing = (bytes: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> => sealer?.seal(bytes) ?? bytes;
  const files: WrittenFile[] = [];
  const described: DescribedFile[] = [];
  for (const item of plan.items) {
    throwIfAborted(signal);
    events({ type: 'phase', phase: `archive ${item.name}` });
    const name = fileNameOf(item, plan, sealer?.ending ?? '');
    const counter = { bytes: 0 };
    const whole = counted(bytesOf(item), counter, signal);
    const plain = item.packs === true ? packDump(whole) : whole;
    const file = await target.write(name, sealing(item.compressed ? compress(plain, plan.compression) : plain));
    files.push(file);
    described.push({ item, file, plainBytes: counter.bytes });
  }
  const manifest = describeArchive(plan, described, sealer);
  files.push(await target.write(`${manifestFile}${sealer?.ending ?? ''}`, sealing(once(manifest))));
  files.push(await target.write(readmeFile, once(writeReadme(plan, sealer))));
  const sums = files.map(({ name, sha256 }) => `${sha256}  ${name}\n`).join('');
  return [...files, await target.write(sumsFile, once(sums))];
}

function bytesOf({ content }: ArchiveItem): AsyncIterable<Uint8Array> {
  return content.shape === 'stream' ? content.open() : makeTar(content.entries());
}

async function* counted(
  bytes: AsyncIterable<Uint8Array>,
  counter: { bytes: number },
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of bytes) {
    throwIfAborted(signal);
    counter.bytes += chunk.length;
    yield chunk;
  }
}

async function* once(text: string): AsyncGenerator<Uint8Array, void, undefined> {
  yield Buffer.from(text, 'utf8');
}
