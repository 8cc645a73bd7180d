import { mapConcurrently } from '../concurrency.ts';
import type { Repository, RepositoryFile } from '../repository.ts';
import { BlobIndex } from './blob-index.ts';
import { keepIndexImage, readIndexImage } from './index-image.ts';

const filesAtOnce = 8;
/** An image is made anew when so many index files are not in it, or so many blobs: the rest is read from its files each time. */
const mostFilesApart = 32;
const mostBlobsApart = 20_000;
const mostShareApart = 0.1;

/** What the index files of a repository say, all of them. Throws `damaged`, `storage-missing`. */
export async function loadBlobIndex(repository: Repository): Promise<BlobIndex> {
  const { kept } = repository;
  // Over a network one list tells names and sizes; on this machine sizes take ten times as long as names, and an image needs none.
  const listed = repository.storage.local === undefined ? await repository.listFiles('index') : undefined;
  const ids = new Set(listed?.map(({ id }) => id) ?? (await repository.listIds('index')));
  const image = (kept && (await readIndexImage(kept, ids))) ?? {
    index: makeIndex(listed ?? (await repository.listFiles('index'))),
    files: new Set<string>(),
  };
  const imaged = image.index.size;
  const apart = [...ids.difference(image.files)];
  const { index } = image;
  await mapConcurrently(apart, filesAtOnce, (id) => repository.readIndexFile(id, index));
  if (kept && isWorthKeeping(apart.length, index.size - imaged, index.size)) await keepIndexImage(kept, { index, files: ids });
  return index;
}

function makeIndex(files: readonly RepositoryFile[]): BlobIndex {
  // An entry takes about 110 bytes of JSON, compressed and sealed to about half.
  return BlobIndex.create(files.reduce((sum, { size }) => sum + size / 55, 0));
}

function isWorthKeeping(filesApart: number, blobsApart: number, blobs: number): boolean {
  return filesApart >= mostFilesApart || blobsApart >= Math.max(mostBlobsApart, blobs * mostShareApart);
}
