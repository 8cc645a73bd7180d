/** The calls through koffi: libc's own functions, synchronously, about a microsecond each. Only 64-bit Linux has the layouts used here. */
import { createRequire } from 'node:module';
import { getSystemErrorMap } from 'node:util';
import type { KoffiFunc, LibraryHandle } from 'koffi';
import { decodePath, encodePath, hasEscapedBytes } from '../../util/path-bytes.ts';
import { readStatx, statxSize, type EntryStats } from './entry-stats.ts';
import { SystemCallError, type PlatformCalls, type Xattr } from './system-calls.ts';

const sixtyFourBits = new Set<string>(['x64', 'arm64', 'riscv64', 'ppc64', 'loong64', 's390x']);

const currentFolder = -100;
const doNotFollow = 0x100;
/** STATX_BASIC_STATS: all that stat knows. */
const basicStats = 0x7ff;
const errorRange = 34;
const errorNoData = 61;
const errorNotSupported = 95;
/** The kernel's limits: 64 KiB for a value and for the list of names. */
const mostXattrBytes = 65536;
const longestPath = 4096;

type PathCall<Rest extends readonly unknown[]> = KoffiFunc<(path: Buffer, ...rest: Rest) => number>;
type FileCall<Rest extends readonly unknown[]> = KoffiFunc<(fd: number, ...rest: Rest) => number>;

/** The calls, or undefined where koffi is not installed or does not work on this system. */
export function loadNativeCalls(): PlatformCalls | undefined {
  if (process.platform !== 'linux' || !sixtyFourBits.has(process.arch)) return undefined;
  try {
    const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi');
    // Node has libc loaded, whichever libc it is.
    return new NativeCalls(koffi.load(null), () => koffi.errno());
  } catch {
    return undefined;
  }
}

class NativeCalls implements PlatformCalls {
  readonly limits: readonly string[] = [];
  readonly readsXattrs = true;
  readonly slowXattrs = false;
  readonly #errno: () => number;
  readonly #listOfPath: PathCall<[Buffer, number]>;
  readonly #listOfFile: FileCall<[Buffer, number]>;
  readonly #getOfPath: PathCall<[Buffer, Buffer, number]>;
  readonly #getOfFile: FileCall<[Buffer, Buffer, number]>;
  readonly #setOfPath: PathCall<[Buffer, Uint8Array, number, number]>;
  readonly #setOfFile: FileCall<[Buffer, Uint8Array, number, number]>;
  readonly #removeOfPath: PathCall<[Buffer]>;
  readonly #removeOfFile: FileCall<[Buffer]>;
  readonly #timesOfPath: KoffiFunc<(folder: number, path: Buffer, times: BigInt64Array, flags: number) => number>;
  readonly #timesOfFile: FileCall<[BigInt64Array]>;
  readonly #mknod: PathCall<[number, bigint]>;
  readonly #statx: KoffiFunc<(folder: number, path: Buffer, flags: number, mask: number, result: Buffer) => number>;
  readonly #trim: KoffiFunc<(keep: number) => number> | undefined;
  readonly #path = Buffer.alloc(longestPath);
  readonly #names = Buffer.allocUnsafeSlow(mostXattrBytes);
  readonly #value = Buffer.allocUnsafeSlow(mostXattrBytes);
  readonly #times = new BigInt64Array(4);
  readonly #stats = Buffer.alloc(statxSize);
  readonly #statsView = new DataView(this.#stats.buffer, this.#stats.byteOffset, statxSize);

  constructor(libc: LibraryHandle, errno: () => number) {
    this.#errno = errno;
    this.#listOfPath = libc.func('long llistxattr(const void *path, void *list, long size)');
    this.#listOfFile = libc.func('long flistxattr(int fd, void *list, long size)');
    this.#getOfPath = libc.func('long lgetxattr(const void *path, const void *name, void *value, long size)');
    this.#getOfFile = libc.func('long fgetxattr(int fd, const void *name, void *value, long size)');
    this.#setOfPath = libc.func('int lsetxattr(const void *path, const void *name, const void *value, long size, int flags)');
    this.#setOfFile = libc.func('int fsetxattr(int fd, const void *name, const void *value, long size, int flags)');
    this.#removeOfPath = libc.func('int lremovexattr(const void *path, const void *name)');
    this.#removeOfFile = libc.func('int fremovexattr(int fd, const void *name)');
    this.#timesOfPath = libc.func('int utimensat(int folder, const void *path, const void *times, int flags)');
    this.#timesOfFile = libc.func('int futimens(int fd, const void *times)');
    this.#mknod = libc.func('int mknod(const void *path, unsigned int mode, unsigned long device)');
    this.#statx = libc.func('int statx(int folder, const void *path, int flags, unsigned int mask, void *result)');
    this.#trim = findTrim(libc);
  }

  statEntry(path: string): EntryStats {
    if (this.#statx(currentFolder, this.#pathBytes(path), doNotFollow, basicStats, this.#stats) < 0) {
      throw failure(this.#errno(), 'lstat', path);
    }
    return readStatx(this.#statsView);
  }

  readXattrs(file: string | number): Xattr[] {
    const length =
      typeof file === 'number'
        ? this.#listOfFile(file, this.#names, mostXattrBytes)
        : this.#listOfPath(this.#pathBytes(file), this.#names, mostXattrBytes);
    if (length === 0) return [];
    if (length < 0) {
      const errno = this.#errno();
      if (errno === errorNotSupported) return [];
      throw failure(errno, 'listxattr', file);
    }
    // The buffer is filled anew by the next call: the names are taken out first.
    const names = splitNames(Buffer.from(this.#names.subarray(0, length)));
    const found: Xattr[] = [];
    for (const name of names.sort((a, b) => Buffer.compare(a, b))) {
      const value = this.#getXattr(file, name);
      if (value !== undefined) found.push({ name: decodePath(name.subarray(0, -1)), value });
    }
    return found;
  }

  readXattrsOfMany(paths: readonly string[]): (Xattr[] | undefined)[] {
    return paths.map((path) => {
      try {
        return this.readXattrs(path);
      } catch {
        return undefined;
      }
    });
  }

  setXattr(file: string | number, name: string, value: Uint8Array): void {
    const cName = terminated(name);
    // A pointer to no bytes must still be one.
    const bytes = value.length > 0 ? value : Buffer.alloc(1);
    const result =
      typeof file === 'number'
        ? this.#setOfFile(file, cName, bytes, value.length, 0)
        : this.#setOfPath(this.#pathBytes(file), cName, bytes, value.length, 0);
    if (result < 0) throw failure(this.#errno(), `setxattr ${name}`, file);
  }

  removeXattr(file: string | number, name: string): void {
    const cName = terminated(name);
    const result = typeof file === 'number' ? this.#removeOfFile(file, cName) : this.#removeOfPath(this.#pathBytes(file), cName);
    if (result < 0 && this.#errno() !== errorNoData) throw failure(this.#errno(), `removexattr ${name}`, file);
  }

  setTimes(file: string | number, atimeNs: bigint, mtimeNs: bigint): void {
    this.#putTime(0, atimeNs);
    this.#putTime(2, mtimeNs);
    const result =
      typeof file === 'number'
        ? this.#timesOfFile(file, this.#times)
        : this.#timesOfPath(currentFolder, this.#pathBytes(file), this.#times, doNotFollow);
    if (result < 0) throw failure(this.#errno(), 'utimensat', file);
  }

  makeNode(path: string, mode: number, device: bigint): void {
    if (this.#mknod(this.#pathBytes(path), mode, device) < 0) throw failure(this.#errno(), 'mknod', path);
  }

  returnFreedMemory(): void {
    this.#trim?.(0);
  }

  /** Undefined where it has gone since it was listed. `name` ends in a zero byte. */
  #getXattr(file: string | number, name: Buffer): Buffer | undefined {
    const length =
      typeof file === 'number'
        ? this.#getOfFile(file, name, this.#value, mostXattrBytes)
        : this.#getOfPath(this.#pathBytes(file), name, this.#value, mostXattrBytes);
    if (length >= 0) return Buffer.from(this.#value.subarray(0, length));
    const errno = this.#errno();
    if (errno === errorNoData) return undefined;
    throw failure(errno === errorRange ? 7 : errno, `getxattr ${decodePath(name.subarray(0, -1))}`, file);
  }

  #putTime(at: number, ns: bigint): void {
    const second = ns >= 0n ? ns / 1_000_000_000n : -((999_999_999n - ns) / 1_000_000_000n);
    this.#times[at] = second;
    this.#times[at + 1] = ns - second * 1_000_000_000n;
  }

  /** The path's bytes and a zero, in a buffer that the next call overwrites. */
  #pathBytes(path: string): Buffer {
    if (path.length < longestPath / 3 && !hasEscapedBytes(path)) {
      this.#path[this.#path.write(path, 0)] = 0;
      return this.#path;
    }
    return terminated(path);
  }
}

/** Only glibc has it. */
function findTrim(libc: LibraryHandle): KoffiFunc<(keep: number) => number> | undefined {
  try {
    return libc.func('int malloc_trim(long keep)') as KoffiFunc<(keep: number) => number>;
  } catch {
    return undefined;
  }
}

function terminated(text: string): Buffer {
  const bytes = encodePath(text);
  if (bytes.includes(0)) throw new SystemCallError('EINVAL', JSON.stringify(text), 'a name holds a zero byte');
  return Buffer.concat([bytes, Buffer.alloc(1)]);
}

/** Each name with its zero byte. */
function splitNames(list: Buffer): Buffer[] {
  const names: Buffer[] = [];
  for (let at = 0; at < list.length;) {
    const end = list.indexOf(0, at);
    if (end < 0) break;
    names.push(list.subarray(at, end + 1));
    at = end + 1;
  }
  return names;
}

function failure(errno: number, call: string, file: string | number): SystemCallError {
  const [code, reason] = getSystemErrorMap().get(-errno) ?? [`E${errno}`, `error ${errno}`];
  return new SystemCallError(code, typeof file === 'number' ? call : `${call} '${file}'`, reason);
}
