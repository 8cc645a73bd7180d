/**
 * zstd for blobs, one context a thread. Node's public calls build a context per call, which costs 40 % on blobs of 4 KiB; the
 * stream objects carry a private handle that can be driven synchronously over any memory. Where a future Node changes it, the
 * public calls serve (a test pins which of the two is in use).
 */
import zlib from 'node:zlib';
import { releaseBuffer } from '../../util/release-buffer.ts';

interface PrivateHandle {
  writeSync(
    flush: number,
    input: Uint8Array,
    inputOffset: number,
    inputLength: number,
    output: Uint8Array,
    outputOffset: number,
    outputLength: number,
  ): void;
}

/** The largest size a compressed form of `length` bytes can have (zstd's own bound, rounded up). */
export function compressBound(length: number): number {
  return length + (length >> 8) + 512;
}

export type Compression = 'auto' | 'dense' | 'max';

type Parameters = Readonly<Record<number, number>>;

/**
 * `auto` is zstd's fast strategy. For large blobs with a larger hash table and longer matches than its level 2: a third faster than level 3 on
 * database dumps, and about the size of what restic's encoder makes of the same data (measured: bench/RESULTS.md). In small blobs matches
 * that long are rare, and level 2 as it is makes 3 % less of them for a sixth more time. `dense` is level 6: a tenth smaller than `auto` on
 * dumps, at a third of its speed, which is still that of the server that dumps.
 */
const parameters: Readonly<Record<Compression, { readonly small: Parameters; readonly large: Parameters }>> = {
  auto: {
    small: { [zlib.constants.ZSTD_c_compressionLevel]: 2 },
    large: {
      [zlib.constants.ZSTD_c_compressionLevel]: 2,
      [zlib.constants.ZSTD_c_strategy]: zlib.constants.ZSTD_fast,
      [zlib.constants.ZSTD_c_hashLog]: 17,
      [zlib.constants.ZSTD_c_minMatch]: 7,
    },
  },
  dense: { small: { [zlib.constants.ZSTD_c_compressionLevel]: 6 }, large: { [zlib.constants.ZSTD_c_compressionLevel]: 6 } },
  max: { small: { [zlib.constants.ZSTD_c_compressionLevel]: 16 }, large: { [zlib.constants.ZSTD_c_compressionLevel]: 16 } },
};
/** Bytes; zstd's own tables change there, too. */
const smallBlob = 128 * 1024;

interface Compressor {
  readonly params: Parameters;
  readonly context: ReusedContext | undefined;
}

export class ZstdCodec {
  readonly usesPrivateHandle: boolean;
  readonly #small: Compressor;
  readonly #large: Compressor;
  readonly #decompressor: ReusedContext | undefined;

  constructor(compression: Compression = 'auto', allowPrivateHandle = true) {
    const { small, large } = parameters[compression];
    this.#small = createCompressor(small, allowPrivateHandle);
    this.#large = createCompressor(large, allowPrivateHandle);
    if (allowPrivateHandle) this.#decompressor = ReusedContext.create(() => zlib.createZstdDecompress({ chunkSize: 1024 }));
    this.usesPrivateHandle = this.#decompressor !== undefined && this.#worksReused(this.#small) && this.#worksReused(this.#large);
  }

  /** Compresses into `output[at…]`, which has room for compressBound(input.length). Returns the length, or -1 when it would not be shorter. */
  compress(input: Uint8Array, output: Uint8Array, at: number): number {
    const room = compressBound(input.length);
    const { context, params } = input.length <= smallBlob ? this.#small : this.#large;
    if (this.usesPrivateHandle && context) {
      const length = context.run(zlib.constants.ZSTD_e_end, input, output, at, room);
      if (length < 0) context.renew();
      return length >= 0 && length < input.length ? length : -1;
    }
    const result = zlib.zstdCompressSync(input, {
      params,
      pledgedSrcSize: input.length,
      chunkSize: room,
    });
    const length = result.length < input.length ? result.length : -1;
    if (length >= 0) output.set(result, at);
    releaseBuffer(result);
    return length;
  }

  /** Decompresses one frame of `size` bytes into `output[at…]`. Returns false when the frame is broken or its size is another. */
  decompress(input: Uint8Array, output: Uint8Array, at: number, size: number): boolean {
    if (this.usesPrivateHandle && this.#decompressor) {
      return decompressReused(this.#decompressor, input, output, at, size);
    }
    try {
      const result = zlib.zstdDecompressSync(input, { chunkSize: Math.max(64, size), maxOutputLength: Math.max(64, size) });
      if (result.length !== size) return false;
      output.set(result, at);
      releaseBuffer(result);
      return true;
    } catch {
      return false;
    }
  }

  /** A second frame through the same context must come out as the first did; otherwise the handle is not what we think. */
  #worksReused({ context }: Compressor): boolean {
    const sample = new Uint8Array(4096).fill(7);
    const packed = new Uint8Array(compressBound(sample.length));
    const unpacked = new Uint8Array(sample.length);
    try {
      for (let round = 0; round < 2; round++) {
        const length = context?.run(zlib.constants.ZSTD_e_end, sample, packed, 0, packed.length) ?? -1;
        if (length <= 0 || !zlib.zstdDecompressSync(packed.subarray(0, length)).equals(sample)) return false;
        unpacked.fill(0);
        if (
          this.#decompressor?.run(zlib.constants.ZSTD_e_continue, packed.subarray(0, length), unpacked, 0, unpacked.length) !==
          sample.length
        )
          return false;
        if (Buffer.compare(sample, unpacked) !== 0) return false;
      }
      return true;
    } catch {
      return false;
    }
  }
}

function createCompressor(params: Parameters, reused: boolean): Compressor {
  const context = reused ? ReusedContext.create(() => zlib.createZstdCompress({ params, chunkSize: 1024 })) : undefined;
  return { params, context };
}

/** A whole frame decompressed, for sizes not known beforehand; `limit` bounds what a hostile frame may expand to. Throws when it is broken. */
export function decompressFrame(input: Uint8Array, limit: number): Buffer {
  const announced = frameContentSize(input);
  if (announced !== undefined && announced > limit) throw new Error(`it would expand to ${announced} bytes`);
  // In one piece of the right size: otherwise pieces are collected, and then all of it is there twice.
  const chunkSize = announced === undefined ? 65536 : Math.max(64, announced);
  return zlib.zstdDecompressSync(input, { maxOutputLength: limit, chunkSize });
}

/** The size a frame says its content has (RFC 8878 §3.1.1.1), where it does. */
function frameContentSize(frame: Uint8Array): number | undefined {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  if (frame.length < 14 || view.getUint32(0, true) !== 0xfd2f_b528) return undefined;
  const descriptor = view.getUint8(4);
  const isSingleSegment = (descriptor & 32) !== 0;
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3] ?? 0;
  const at = 5 + (isSingleSegment ? 0 : 1) + dictionaryBytes;
  switch (descriptor >> 6) {
    case 0:
      return isSingleSegment ? view.getUint8(at) : undefined;
    case 1:
      return view.getUint16(at, true) + 256;
    case 2:
      return at + 4 <= frame.length ? view.getUint32(at, true) : undefined;
    default:
      return at + 8 <= frame.length ? Number(view.getBigUint64(at, true)) : undefined;
  }
}

/** One frame, compressed with the public call: for indexes, snapshots, locks. */
export function compressFrame(input: Uint8Array, prefix: Uint8Array = new Uint8Array(0)): Buffer {
  const frame = zlib.zstdCompressSync(input, {
    params: { [zlib.constants.ZSTD_c_compressionLevel]: 3 },
    pledgedSrcSize: input.length,
    chunkSize: compressBound(input.length),
  });
  const result = Buffer.concat([prefix, frame]);
  // The frame is a view of a buffer as large as the bound; one above the size of Node's pool is nobody else's.
  if (frame.buffer instanceof ArrayBuffer && frame.buffer.byteLength > Buffer.poolSize) frame.buffer.transfer(0);
  return result;
}

/** What a context was left with by a broken frame would be taken for the beginning of the next: then it is renewed and asked again. */
function decompressReused(context: ReusedContext, input: Uint8Array, output: Uint8Array, at: number, size: number): boolean {
  const announced = frameContentSize(input);
  if (announced !== undefined && announced !== size) return false;
  for (;;) {
    const { isFresh } = context;
    const length = context.run(zlib.constants.ZSTD_e_continue, input, output, at, size);
    // A frame that announces its size is held to it; any other may have more than fits.
    if (length === size && (announced !== undefined || context.isDrained())) return true;
    context.renew();
    if (isFresh) return false;
  }
}

/** A native context and the numbers it writes: output left, input left. */
interface Native {
  readonly handle: PrivateHandle;
  readonly state: Uint32Array;
}

const nothing = new Uint8Array(0);
const oneByte = new Uint8Array(1);

class ReusedContext {
  /** Nothing has gone through it yet. */
  isFresh = true;
  readonly #make: () => zlib.ZstdCompress | zlib.ZstdDecompress;
  #native: Native;
  #failed = false;

  private constructor(make: () => zlib.ZstdCompress | zlib.ZstdDecompress, native: Native) {
    this.#make = make;
    this.#native = this.#attend(native);
  }

  /** Undefined where Node has no such handle. */
  static create(make: () => zlib.ZstdCompress | zlib.ZstdDecompress): ReusedContext | undefined {
    const native = nativeOf(make());
    return native && new ReusedContext(make, native);
  }

  /** Bytes written to the output, or -1 when the input was not consumed whole or the frame is broken. */
  run(flush: number, input: Uint8Array, output: Uint8Array, at: number, room: number): number {
    this.#failed = false;
    this.isFresh = false;
    const { handle, state } = this.#native;
    handle.writeSync(flush, input, 0, input.length, output, at, room);
    const [roomLeft = 0, inputLeft = 1] = state;
    return !this.#failed && inputLeft === 0 ? room - roomLeft : -1;
  }

  /** True when no more output comes. */
  isDrained(): boolean {
    return this.run(zlib.constants.ZSTD_e_continue, nothing, oneByte, 0, 1) === 0;
  }

  /** Begins anew. (The handle's own `reset` forgets neither an error nor what it has read.) */
  renew(): void {
    const native = nativeOf(this.#make());
    if (native) this.#native = this.#attend(native);
    this.isFresh = true;
  }

  /** Errors of the native side arrive as a callback on the handle, not as an exception. */
  #attend(native: Native): Native {
    Object.assign(native.handle, { onerror: () => (this.#failed = true) });
    return native;
  }
}

function nativeOf(stream: zlib.ZstdCompress | zlib.ZstdDecompress): Native | undefined {
  const handle: unknown = Reflect.get(stream, '_handle');
  const state: unknown = Reflect.get(stream, '_writeState');
  return isHandle(handle) && state instanceof Uint32Array ? { handle, state } : undefined;
}

function isHandle(value: unknown): value is PrivateHandle {
  return typeof value === 'object' && value !== null && typeof Reflect.get(value, 'writeSync') === 'function';
}
