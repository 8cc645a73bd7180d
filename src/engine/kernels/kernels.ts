/** The WebAssembly kernels of `kernels/*.ts`, typed. Addresses are byte offsets into the memory they were loaded for. */
import { readFileSync } from 'node:fs';

export interface Kernels {
  /** First cut in (from, to] counted from `base`, or -1. See kernels/rabin.ts. */
  rabinScan(base: number, from: number, to: number, tables: number, shift: bigint, mask: bigint): number;
  /** Writes the 16-byte tag of `length` bytes at `message`. `key` is r ‖ s; `scratch` needs 384 bytes. */
  poly1305(message: number, length: number, key: number, tag: number, scratch: number): void;
  xorBytes(target: number, a: number, b: number, length: number): void;
  counterBlocks(target: number, iv: number, count: number): void;
  equalBytes(a: number, b: number, length: number): number;
}

let compiled: WebAssembly.Module | undefined;

/** Loads the kernels over a shared memory. Compiling takes about a millisecond and happens once a thread. */
export function loadKernels(memory: WebAssembly.Memory): Kernels {
  compiled ??= new WebAssembly.Module(readFileSync(new URL('./kernels.wasm', import.meta.url)));
  const instance = new WebAssembly.Instance(compiled, {
    env: {
      memory,
      abort: () => {
        throw new Error('a kernel aborted');
      },
    },
  });
  // The module is ours and built from kernels/index.ts; its exports are what the interface above says.
  return instance.exports as unknown as Kernels;
}

/** A shared memory of at least `bytes`. Kernels address up to 4 GiB. */
export function createKernelMemory(bytes: number): WebAssembly.Memory {
  return new WebAssembly.Memory({ initial: Math.ceil(bytes / 65536), maximum: 65536, shared: true });
}
