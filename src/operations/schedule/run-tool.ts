import { HoldfastError, reasonOf } from '../../errors.ts';
import { runSubprocess } from '../../util/subprocess.ts';

export interface ToolContext {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

export interface ToolEnd {
  readonly status: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

const inherited = ['PATH', 'HOME', 'USER', 'LOGNAME', 'XDG_RUNTIME_DIR', 'XDG_CONFIG_HOME', 'DBUS_SESSION_BUS_ADDRESS'];
const largestAnswer = 4 * 1024 * 1024;

/**
 * Runs a tool of the system to its end, with this text on its stdin.
 *
 * @throws HoldfastError `schedule-tool` where it cannot be started
 */
export async function runTool(
  file: string,
  args: readonly string[],
  { environment, signal }: ToolContext,
  input?: string,
): Promise<ToolEnd> {
  const env: Record<string, string> = { LC_ALL: 'C' };
  for (const name of inherited) if (environment[name] !== undefined) env[name] = environment[name];
  const end = await runSubprocess({ file, args, env, signal, ...(input === undefined ? {} : { input: oneChunk(input) }) }, largestAnswer);
  const { status, stdout, stderr, startFailure } = end;
  if (startFailure !== undefined) throw new HoldfastError('schedule-tool', { tool: file, reason: reasonOf(startFailure) }, startFailure);
  signal.throwIfAborted();
  return { status, stdout: stdout.toString('utf8'), stderr: stderr.trim() };
}

/** The same of a tool that must end well. */
export async function runToolWell(file: string, args: readonly string[], context: ToolContext, input?: string): Promise<string> {
  const { status, stdout, stderr } = await runTool(file, args, context, input);
  if (status === 0) return stdout;
  const said = stderr === '' ? '' : `: ${stderr.split('\n').slice(-3).join('; ')}`;
  throw new HoldfastError('schedule-tool', {
    tool: [file, ...args].join(' '),
    reason: `it ended with status ${status ?? 'unknown'}${said}`,
  });
}

async function* oneChunk(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}
