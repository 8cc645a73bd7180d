/** Runs one command under GNU time and reads what the kernel counted for it and for every child it waited for. */
import { spawn } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from './peers/peer.ts';

export interface Usage {
  readonly wallSeconds: number;
  /** User and system time of the whole process tree. */
  readonly cpuSeconds: number;
  /** The largest resident set of any one process of the tree. */
  readonly peakBytes: number;
}

const errorTail = 2000;
const limitMilliseconds = 30 * 60_000;

/** Runs the commands one after the other: times add up, the peak is the highest. Throws when one fails. */
export async function measure(commands: readonly Command[]): Promise<Usage> {
  let total: Usage = { wallSeconds: 0, cpuSeconds: 0, peakBytes: 0 };
  for (const command of commands) {
    const usage = await measureOne(command);
    total = {
      wallSeconds: total.wallSeconds + usage.wallSeconds,
      cpuSeconds: total.cpuSeconds + usage.cpuSeconds,
      peakBytes: Math.max(total.peakBytes, usage.peakBytes),
    };
  }
  return total;
}

/** Runs commands whose cost does not matter and returns what they printed. Throws when one fails. */
export async function run(commands: readonly Command[]): Promise<string> {
  let printed = '';
  for (const command of commands) printed += await execute(command.argv, command);
  return printed;
}

async function measureOne(command: Command): Promise<Usage> {
  const report = join(tmpdir(), `holdfast-bench-time-${process.pid}`);
  try {
    await execute(['/usr/bin/time', '-f', '%e %U %S %M', '-o', report, ...command.argv], command);
    return parseUsage(readFileSync(report, 'utf8'));
  } finally {
    rmSync(report, { force: true });
  }
}

/** Reads a line `wall user system maxrss`, in seconds and KiB. */
export function parseUsage(line: string): Usage {
  const [wall, user, system, peak] = line.trim().split(' ').map(Number);
  if (
    wall === undefined ||
    user === undefined ||
    system === undefined ||
    peak === undefined ||
    ![wall, user, system, peak].every(Number.isFinite)
  ) {
    throw new Error(`Cannot read the measurement: GNU time wrote "${line.trim()}". Install the package "time".`);
  }
  return { wallSeconds: wall, cpuSeconds: user + system, peakBytes: peak * 1024 };
}

function execute(argv: readonly string[], command: Command): Promise<string> {
  const [program = '', ...words] = argv;
  return new Promise((resolve, reject) => {
    const child = spawn(program, words, {
      env: command.env,
      cwd: command.cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: limitMilliseconds,
    });
    let output = '';
    let errors = '';
    child.stdout.on('data', (data: Buffer) => (output += data.toString()));
    child.stderr.on('data', (data: Buffer) => (errors = (errors + data.toString()).slice(-errorTail)));
    child.on('error', (cause) => reject(new Error(`Cannot run ${program}: ${cause.message}.`, { cause })));
    child.on('close', (status, signal) => {
      if (status === 0) resolve(output);
      else
        reject(
          new Error(
            `Cannot go on: "${command.argv.join(' ')}" ended with ${signal ?? `status ${status}`}. ${(errors.trim() || output.trim()).slice(-errorTail)}`,
          ),
        );
    });
  });
}
