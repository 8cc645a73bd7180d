/**
 * The processes of a server for tests. A small shell beside the server obeys words that come through a pipe, and waits for its end: so
 * server and files go away however the process that holds the pipe ends.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';

const shell = `
tools=$1
root=$2
server=
start() {
  "$tools/postgres" -D "$root/data" >>"$root/log" 2>&1 </dev/null &
  server=$!
}
end() {
  [ -z "$server" ] || kill "$@" $server 2>/dev/null
  [ -z "$server" ] || wait $server
  server=
}
while read -r word; do
  case $word in
    start) end -INT; start ;;
    halt) end -INT ;;
    kill)
      children=$(cat /proc/$server/task/$server/children)
      kill -KILL $server $children 2>/dev/null
      wait $server
      server=
      # Until the last of them is gone, their shared memory is in use.
      for child in $children; do
        while grep -qs '^State:.[^ZX]' /proc/$child/status; do sleep 0.01; done
      done ;;
  esac
  echo "$word"
done
end -QUIT
rm -rf "$root"
`;

export interface ClusterProcess {
  /** Starts the server (after stopping it in good order), stops it in good order, or kills it and all its children at once. */
  obey(word: 'start' | 'halt' | 'kill'): Promise<void>;
  isOver(): boolean;
  /** Ends the server at once and removes all its files. May be called twice. */
  end(): Promise<void>;
}

export function openClusterProcess(toolsFolder: string, root: string): ClusterProcess {
  const [file = '', ...args] = asServerUser(['sh', '-c', shell, 'throwaway-cluster', toolsFolder, root]);
  const options = { detached: true, cwd: '/', env: environment(root, toolsFolder) };
  const child = spawn(file, args, { ...options, stdio: ['pipe', 'pipe', 'ignore'] });
  child.stdin.on('error', () => {});
  child.stdout.on('error', () => {});
  child.stdout.setEncoding('utf8');
  holdProcess(child, child.stdout, false);
  let last = Promise.resolve();
  const isOver = (): boolean => child.exitCode !== null || child.signalCode !== null;
  const say = async (word: string): Promise<void> => {
    if (isOver()) throw new Error('the cluster is gone');
    holdProcess(child, child.stdout, true);
    child.stdin.write(`${word}\n`);
    const heard = new AbortController();
    const { signal } = heard;
    await Promise.race([once(child.stdout, 'data', { signal }), once(child, 'exit', { signal })]).finally(() => heard.abort());
    holdProcess(child, child.stdout, false);
  };
  return {
    isOver,
    obey: (word) => {
      last = last.then(() => say(word));
      return last;
    },
    end: async () => {
      if (isOver()) return;
      const ended = once(child, 'exit');
      child.ref();
      child.stdin.end();
      await ended;
    },
  };
}

/** Only while something is waited for does a server keep this process alive. */
function holdProcess(child: ChildProcess, output: Readable, hold: boolean): void {
  for (const handle of [child, output as Partial<Record<'ref' | 'unref', () => void>>]) {
    if (hold) handle.ref?.();
    else handle.unref?.();
  }
}

/** PostgreSQL refuses to run as root: then its own user runs it. */
export function asServerUser(command: string[]): string[] {
  return serverUser() === undefined ? command : ['setpriv', '--reuid=postgres', '--regid=postgres', '--init-groups', ...command];
}

let cachedUser: { uid: number; gid: number } | undefined;

/** Who servers run as, where that is not who this process is. */
export function serverUser(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const id = (flag: string): number => Number(spawnSync('id', [flag, 'postgres'], { encoding: 'utf8' }).stdout.trim());
  cachedUser ??= { uid: id('-u'), gid: id('-g') };
  return cachedUser;
}

export function environment(root: string, toolsFolder: string): Record<string, string> {
  return { PATH: `${toolsFolder}:${process.env['PATH'] ?? ''}`, HOME: root, LC_ALL: 'C.UTF-8' };
}
