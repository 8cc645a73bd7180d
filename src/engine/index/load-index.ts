import { mapConcurrently } from '../concurrency.ts';
import type { Repository } from '../repository.ts';
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
  const ids = new Set(await repository.listIds('index'));
  const image = (kept && (await readIndexImage(kept, ids))) ?? { index: await makeIndex(repository), files: new Set<string>() };
  const imaged = image.index.size;
  const apart = [...ids.difference(image.files)];
  const { index } = image;
  await mapConcurrently(apart, filesAtOnce, (id) => repository.readIndexFile(id, index));
  if (kept && isWorthKeeping(apart.length, index.size - imaged, index.size)) await keepIndexImage(kept, { index, files: ids });
  return index;
}

async function makeIndex(repository: Repository): Promise<BlobIndex> {
  const files = await repository.listFiles('index');
  // An entry takes about 110 bytes of JSON, compressed and sealed to about half.
  return BlobIndex.create(files.reduce((sum, { size }) => sum + size / 55, 0));
}

function isWorthKeeping(filesApart: number, blobsApart: number, blobs: number): boolean {
  return filesApart >= mostFilesApart || blobsApart >= Math.max(mostBlobsApart, blobs * mostShareApart);
}
