/** `npm run build`: emits the package into dist/ as JavaScript with types, and has publint judge it. */
import { chmod, copyFile, glob, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { projectRoot, runTool } from './run-program.ts';

/** Emits `src/` of the project into `outDir` (absolute): replaces what is there. Throws with the compiler's words where it fails. */
export async function emitPackage(outDir: string): Promise<void> {
  await rm(outDir, { recursive: true, force: true });
  const { status, output } = await runTool('tsc', ['-p', 'tsconfig.build.json', '--outDir', outDir]);
  if (status !== 0) throw new Error(`The package does not compile:\n${output}`);
  await copyAssets(outDir);
  await renameThreads(outDir);
  await makeRunnable(join(outDir, 'cli/main.js'));
}

/** What the code reads beside itself: compiled kernels. */
async function copyAssets(outDir: string): Promise<void> {
  const source = join(projectRoot, 'src');
  for await (const asset of glob('**/*.wasm', { cwd: source })) {
    await mkdir(dirname(join(outDir, asset)), { recursive: true });
    await copyFile(join(source, asset), join(outDir, asset));
  }
}

/** tsc renames the files of imports, and not those of `new URL('./thread.ts', import.meta.url)`. */
async function renameThreads(outDir: string): Promise<void> {
  for await (const file of glob('**/*.js', { cwd: outDir })) {
    const path = join(outDir, file);
    const code = await readFile(path, 'utf8');
    const renamed = code.replaceAll(/(new URL\((['"`])\.[^'"`]*)\.ts(\2,\s*import\.meta\.url\))/g, '$1.js$3');
    const forgotten = /(['"`])\.{1,2}\/[^'"`]*\.ts\1/.exec(renamed);
    if (forgotten !== null)
      throw new Error(`dist/${file} names ${forgotten[0]}, which is not in the package: write new URL('./file.ts', import.meta.url).`);
    if (renamed !== code) await writeFile(path, renamed);
  }
}

async function makeRunnable(path: string): Promise<void> {
  const code = await readFile(path, 'utf8');
  if (!code.startsWith('#!')) await writeFile(path, `#!/usr/bin/env node\n${code}`);
  await chmod(path, 0o755);
}

if (import.meta.main) {
  await emitPackage(join(projectRoot, 'dist'));
  const { status, output } = await runTool('publint', ['--strict']);
  process.stdout.write(status === 0 ? 'dist/ is built, and publint finds nothing\n' : output);
  process.exitCode = status === 0 ? 0 : 1;
}
