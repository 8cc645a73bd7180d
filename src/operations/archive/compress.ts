/** Compression of what goes into an archive, in zlib's own threads. */
import { Readable, pipeline } from 'node:stream';
import { constants, createGzip, createZstdCompress } from 'node:zlib';

export type ArchiveCompression = 'gzip' | 'zstd';

export const compressionEndings: Readonly<Record<ArchiveCompression, string>> = { gzip: '.gz', zstd: '.zst' };

const largeChunks = 256 * 1024;

/** The bytes, compressed. What reading them throws comes through. */
export async function* compress(
  bytes: AsyncIterable<Uint8Array>,
  compression: ArchiveCompression,
): AsyncGenerator<Uint8Array, void, undefined> {
  const coder =
    compression === 'gzip'
      ? createGzip({ chunkSize: largeChunks })
      : createZstdCompress({
          chunkSize: largeChunks,
          params: { [constants.ZSTD_c_checksumFlag]: 1, [constants.ZSTD_c_compressionLevel]: 6 },
        });
  // The failure is the coder's too, and is thrown to whoever reads it.
  const output = pipeline(Readable.from(bytes, { objectMode: false }), coder, () => {});
  for await (const chunk of output) yield chunk as Uint8Array;
}
