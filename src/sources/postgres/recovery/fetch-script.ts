/**
 * restore_command: a shell script, because a program of ours would cost more for each segment than the segment does. It runs on this machine
 * or in the server's container, which see the same folder. Its statuses are what PostgreSQL goes by: 1 says that the archive has no such file, which ends
 * the recovery there, so it is only said where that is certain; anything above 125 ends the server.
 *
 * - `wal/NAME` is a segment or a history file that may be taken; segments are moved, since the server writes to them afterwards.
 * - `asked/NAME` says that the script waits for NAME, `taken/NAME` that it has moved it away.
 * - `absent/NAME` says that the repository certainly has no such file.
 * - `state` is `running N`, where N grows while holdfast lives; `failed`; or `finished`: all that belongs to the recovery was handed over.
 */

/** Its folder, below the data directory, in which the server runs its commands. */
export const spoolName = 'holdfast-recovery';

export const restoreCommand = `sh ${spoolName}/fetch "%f" "%p"`;

/** Tenths of a second without a sign of life after which holdfast counts as dead. */
const patience = 600;

export const fetchScript = `#!/bin/sh
# restore_command of a recovery that holdfast runs. 1: there is no such file; above 125: something is wrong.
spool=${spoolName}
name=$1
to=$2
waited=0
seen=
case $name in
  *.history) take='cp' ;;
  *) take='mv -f' ;;
esac
while :; do
  if [ -f "$spool/wal/$name" ]; then
    $take "$spool/wal/$name" "$to" || exit 213
    : > "$spool/taken/$name"
    exit 0
  fi
  [ -f "$spool/absent/$name" ] && exit 1
  state=
  read -r state beat < "$spool/state" || [ -n "$state" ] || exit 212
  case $state in
    running) ;;
    finished) exit 1 ;;
    *) exit 211 ;;
  esac
  : > "$spool/asked/$name" || exit 210
  if [ "$beat" = "$seen" ]; then waited=$((waited + 1)); else waited=0; fi
  seen=$beat
  [ "$waited" -gt ${patience} ] && exit 214
  sleep 0.1 2>/dev/null || sleep 1
done
`;
