import type { Repository } from '../repository.ts';
import { throwIfAborted } from '../run-context.ts';
import type { TreeNode } from '../tree/node.ts';

/** What is read before it is asked for, in blobs and in bytes of content. */
const mostBlobsAhead = 4;
const mostBytesAhead = 32 * 2 ** 20;

interface BlobAhead {
  readonly content: Promise<Buffer>;
  readonly bytes: number;
}

/** The content of a file, each piece verified against its id. Throws `blob-missing`, `damaged`, `interrupted`. */
export async function* readNode(
  repository: Repository,
  node: TreeNode,
  options: { readonly signal?: AbortSignal } = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const ids = node.content ?? [];
  const index = await repository.loadIndex();
  const queue: BlobAhead[] = [];
  let bytesAhead = 0;
  for (let next = 0; next < ids.length || queue.length > 0;) {
    throwIfAborted(options.signal);
    for (
      let id = ids[next];
      id !== undefined && queue.length < mostBlobsAhead && (queue.length === 0 || bytesAhead < mostBytesAhead);
      id = ids[next]
    ) {
      const entry = index.find(id, 'data');
      const bytes = entry < 0 ? 0 : index.contentLengthOf(entry);
      const content = repository.readBlob('data', id);
      content.catch(() => {}); // told when its turn comes; the reader may stop before
      queue.push({ content, bytes });
      bytesAhead += bytes;
      next += 1;
    }
    const first = queue.shift();
    if (first === undefined) break;
    bytesAhead -= first.bytes;
    yield await first.content;
  }
}
