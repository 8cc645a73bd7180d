/** Runs the system's own tools on paths of any bytes: arguments of `spawn` are UTF-8, what xargs reads is not. */
import { spawnSync } from 'node:child_process';

/** Appends the paths to the command. Returns what it printed, one character a byte; throws with its complaint when it fails. */
export function runOnPaths(command: readonly string[], paths: readonly Buffer[]): string {
  if (paths.length === 0) return '';
  return runTool(['xargs', '-0', ...command], Buffer.concat(paths.flatMap((path) => [path, Buffer.of(0)])));
}

/** Runs one of the system's tools to its end. Returns what it printed, one character a byte; throws with its complaint when it fails. */
export function runTool([program = '', ...words]: readonly string[], input?: Buffer, folder?: string): string {
  const { status, error, stdout, stderr } = spawnSync(program, words, {
    input,
    cwd: folder,
    encoding: 'latin1',
    maxBuffer: 1 << 28,
    env: { ...process.env, LC_ALL: 'C' },
  });
  if (error !== undefined)
    throw new Error(`Cannot run ${program}: ${error.message}. Install it (packages attr, acl, coreutils, findutils).`, { cause: error });
  if (status !== 0) throw new Error(`Cannot run "${[program, ...words].join(' ')}": it ended with status ${status}. ${stderr.trim()}`);
  return stdout;
}
