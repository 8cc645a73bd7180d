/** Starts a Docker engine that several processes share, each with a lease: a file named after its process. A shell beside the engine ends it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';

export interface EngineLease {
  readonly socket: string;
  /** The engine stays while this file and this process are there. */
  readonly lease: string;
}

/* $1 folder, $2 lease, $3 image file, $4 image name, $5 supervisor. All under a lock that the supervisor takes too before it ends the engine. */
const joinScript = `
exec 9>"$1.lock"
flock 9
export DOCKER_HOST="unix://$1/docker.sock"
if ! docker version >/dev/null 2>&1; then
  sh -c "$5" cleanup "$1" cleanup 9>&-
  mkdir -p "$1/leases"
  setsid sh -c "$5" docker-supervisor "$1" run 9>&- >/dev/null 2>&1 </dev/null &
  tries=0
  until docker version >/dev/null 2>&1; do
    tries=$((tries + 1))
    test $tries -gt 300 && { tail -n 30 "$1/log" >&2; exit 1; }
    sleep 0.1
  done
fi
echo >"$2"
docker image inspect "$4" >/dev/null 2>&1 || docker import "$3" "$4" >/dev/null
`;

/* Ends the engine after 20 seconds without a living process that has a lease. */
const supervisor = `
folder=$1
cleanup() {
  DOCKER_HOST="unix://$folder/docker.sock"
  export DOCKER_HOST
  all=$(timeout 10 docker ps -aq 2>/dev/null) && test -n "$all" && timeout 60 docker rm -f -v $all >/dev/null 2>&1
  timeout 10 docker network prune -f >/dev/null 2>&1
  for file in "$folder/pid" "$folder/exec/containerd/containerd.pid"; do
    pid=$(cat "$file" 2>/dev/null) || continue
    grep -q "$folder" "/proc/$pid/cmdline" 2>/dev/null || continue
    kill "$pid" 2>/dev/null
    tries=0
    while kill -0 "$pid" 2>/dev/null && test $tries -lt 150; do tries=$((tries + 1)); sleep 0.1; done
    kill -9 "$pid" 2>/dev/null
  done
  cut -d ' ' -f 2 /proc/mounts | grep "^$folder/" | sort -r | while read -r mount; do umount -l "$mount"; done
  rm -rf "$folder"
}
test "$2" = cleanup && { cleanup; exit 0; }
dockerd --iptables=false --bridge=none --data-root "$folder/data" --exec-root "$folder/exec" --pidfile "$folder/pid" \\
  --host "unix://$folder/docker.sock" --shutdown-timeout 1 >"$folder/log" 2>&1 </dev/null &
idle=0
while test $idle -lt 20; do
  sleep 1
  idle=$((idle + 1))
  for lease in "$folder"/leases/*; do
    pid=\${lease##*/}
    kill -0 "\${pid%%-*}" 2>/dev/null && idle=0
  done
  test $idle -lt 20 && continue
  exec 9>"$folder.lock"
  flock 9
  for lease in "$folder"/leases/*; do
    pid=\${lease##*/}
    kill -0 "\${pid%%-*}" 2>/dev/null && idle=0
  done
  test $idle -ge 20 && cleanup 9>&-
  exec 9>&-
done
`;

/** Joins the engine of a folder, or starts it. Throws with the engine's log. */
export async function startEngine(folder: string, image: { readonly file: string; readonly name: string }): Promise<EngineLease> {
  const lease = join(folder, 'leases', `${process.pid}-${randomUUID()}`);
  const child = spawn('sh', ['-ec', joinScript, 'start-engine', folder, lease, image.file, image.name, supervisor], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let complaint = '';
  child.stderr.on('data', (chunk: Buffer) => (complaint = `${complaint}${chunk.toString('utf8')}`.slice(-8000)));
  await once(child, 'close');
  if (child.exitCode !== 0) throw new Error(`Cannot start a Docker engine: ${complaint}`);
  return { socket: join(folder, 'docker.sock'), lease };
}
