/** An archive as one tar: folders are folders in it, so that nothing is packed twice. */
import { createHash, type Hash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { finished } from 'node:stream/promises';
import type { RunContext } from '../../engine/run-context.ts';
import { throwIfAborted } from '../../engine/run-context.ts';
import { encodePath } from '../../util/path-bytes.ts';
import { manifestFile, readmeFile, sumsFile } from './archive-names.ts';
import { oneFileEnding, type ArchivePlan } from './archive-plan.ts';
import type { ArchiveTarget, WrittenFile } from './archive-target.ts';
import { compress } from './compress.ts';
import { describeArchive, type DescribedFile } from './describe-archive.ts';
import type { Sealer } from './sealing.ts';
import { heldBytes } from './stored-file.ts';
import type { StreamContent } from './archive-item.ts';
import { makeTar, type TarEntry } from './tar-stream.ts';
import { writeReadme } from './write-readme.ts';

export async function writeOneFile(
  plan: ArchivePlan,
  target: ArchiveTarget,
  sealer: Sealer | undefined,
  { events, signal }: RunContext,
): Promise<WrittenFile> {
  // A line for each file that is archived may be more than fits into memory.
  const scratch = await mkdtemp(join(tmpdir(), 'holdfast-archive-'));
  try {
    const sums = new SumsList(join(scratch, sumsFile));
    const entries = listEntries(plan, sealer, sums, (name) => {
      throwIfAborted(signal);
      events({ type: 'phase', phase: `archive ${name}` });
    });
    const packed = compress(makeTar(entries), plan.compression);
    return await target.write(`${plan.name}${oneFileEnding(plan, sealer?.ending ?? '')}`, sealer?.seal(packed) ?? packed);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function* listEntries(
  plan: ArchivePlan,
  sealer: Sealer | undefined,
  sums: SumsList,
  onItem: (name: string) => void,
): AsyncGenerator<TarEntry, void, undefined> {
  const made = new Date(plan.point.time);
  const named = (name: string, content: StreamContent): TarEntry => sums.follow(fileEntry(name, content));
  yield { ...fileEntry('.', heldBytes('', made)), name: plan.name, type: 'dir', mode: 0o700, size: 0 };
  const inside = (entry: TarEntry): TarEntry => ({
    ...entry,
    name: `${plan.name}/${entry.name}`,
    ...(entry.type === 'hardlink' ? { linkName: `${plan.name}/${entry.linkName ?? ''}` } : {}),
  });
  yield inside(named(readmeFile, heldBytes(writeReadme(plan, sealer), made)));
  const described: DescribedFile[] = [];
  for (const item of plan.items) {
    onItem(item.name);
    const { content, name } = item;
    if (content.shape === 'stream') yield inside(named(name, content));
    else
      for await (const entry of content.entries()) {
        const below = entry.name === '.' ? name : `${name}/${entry.name}`;
        const linkName = entry.type === 'hardlink' ? { linkName: `${name}/${entry.linkName ?? ''}` } : {};
        yield inside(sums.follow({ ...entry, name: below, ...linkName }));
      }
    described.push({ item, file: { name }, plainBytes: item.size });
  }
  yield inside(named(manifestFile, heldBytes(describeArchive(plan, described, sealer), made)));
  yield inside(fileEntry(sumsFile, await sums.finish(made)));
}

function fileEntry(name: string, { size, modified, open }: StreamContent): TarEntry {
  return { name, type: 'file', mode: 0o600, mtime: BigInt(modified.getTime()) * 1_000_000n, uid: 0, gid: 0, size, open };
}

/** SHA256SUMS, a line at a time, in a file. */
class SumsList {
  readonly #path: string;
  readonly #output: ReturnType<typeof createWriteStream>;

  constructor(path: string) {
    this.#path = path;
    this.#output = createWriteStream(path, { mode: 0o600 });
    this.#output.on('error', () => {}); // told by finish
  }

  /** The entry, whose content is summed up while it is read. */
  follow(entry: TarEntry): TarEntry {
    const { open, name } = entry;
    if (entry.type !== 'file' || open === undefined) return entry;
    return { ...entry, open: () => this.#summed(name, open()) };
  }

  async *#summed(name: string, bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    const hash = createHash('sha256');
    for await (const chunk of bytes) {
      hash.update(chunk);
      yield chunk;
    }
    await this.#add(name, hash);
  }

  /* sha256sum marks a line whose name it had to write otherwise. */
  async #add(name: string, hash: Hash): Promise<void> {
    const plain = encodePath(name);
    const written = /[\\\n\r]/.test(name)
      ? encodePath(name.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('\r', '\\r'))
      : plain;
    const mark = written === plain ? '' : '\\';
    const line = Buffer.concat([Buffer.from(`${mark}${hash.digest('hex')}  `), written, Buffer.from('\n')]);
    if (!this.#output.write(line)) await once(this.#output, 'drain');
  }

  async finish(modified: Date): Promise<StreamContent> {
    this.#output.end();
    await finished(this.#output);
    const path = this.#path;
    return { shape: 'stream', size: (await stat(path)).size, modified, open: () => createReadStream(path) };
  }
}
