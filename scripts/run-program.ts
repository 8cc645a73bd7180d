/** Runs the house's tools: the package's own programs under this very Node, and the machine's. */
import { spawn } from 'node:child_process';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';

/** The folder that holds package.json, with no slash at the end. */
export const projectRoot = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');

/** The tools of node_modules that the scripts run, by the file Node runs. */
export const tool = {
  tsc: 'node_modules/typescript/bin/tsc',
  oxlint: 'node_modules/oxlint/bin/oxlint',
  oxfmt: 'node_modules/oxfmt/bin/oxfmt',
  knip: 'node_modules/knip/bin/knip.js',
  publint: 'node_modules/publint/src/cli.js',
  vitest: 'node_modules/vitest/vitest.mjs',
} as const;

export interface ProgramResult {
  readonly status: number;
  /** What it wrote, stdout and stderr in the order they came. */
  readonly output: string;
  readonly seconds: number;
}

export interface ProgramOptions {
  /** Absolute; the project's root where it is not given. */
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs one of the tools under this Node, in the project's root unless told otherwise. Never throws for a bad exit status. */
export function runTool(name: keyof typeof tool, args: readonly string[], options: ProgramOptions = {}): Promise<ProgramResult> {
  return runProgram(process.execPath, ['--disable-warning=ExperimentalWarning', `${projectRoot}/${tool[name]}`, ...args], options);
}

/** Runs a program to its end, without input. Rejects only where it cannot be started. A program that a signal ended has status 128. */
export function runProgram(command: string, args: readonly string[], options: ProgramOptions = {}): Promise<ProgramResult> {
  const began = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: options.cwd ?? projectRoot,
      env: { ...process.env, NO_COLOR: '1', ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.on('error', reject);
    child.on('close', (code) => {
      resolve({ status: code ?? 128, output: Buffer.concat(chunks).toString('utf8'), seconds: (performance.now() - began) / 1000 });
    });
  });
}
