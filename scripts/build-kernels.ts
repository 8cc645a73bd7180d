/** Compiles kernels/*.ts (AssemblyScript) to src/engine/kernels/kernels.wasm. The result is the same on every machine; a test compares it. */
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Compiles the kernels into a file. Throws with the compiler's own words when they do not compile. */
export async function compileKernels(outFile: string): Promise<void> {
  const complaints: string[] = [];
  const stderr = asc.createMemoryStream((chunk) => void complaints.push(Buffer.from(chunk).toString()));
  const words = [
    'kernels/index.ts',
    '--baseDir',
    root,
    '--outFile',
    outFile,
    '--runtime',
    'stub',
    '--noAssert',
    '-O3',
    '--enable',
    'simd',
    '--enable',
    'threads',
    '--enable',
    'bulk-memory',
    '--importMemory',
    '--sharedMemory',
    '--initialMemory',
    '1',
    '--maximumMemory',
    '65536',
  ];
  const { error } = await asc.main(words, { stderr });
  if (error) throw new Error(`Cannot compile the kernels: ${error.message}\n${complaints.join('')}`);
}

if (import.meta.main) await compileKernels('src/engine/kernels/kernels.wasm');
