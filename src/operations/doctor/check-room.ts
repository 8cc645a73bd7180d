/** Whether a repository that is a folder has room for what comes, and belongs to whoever runs this. */
import { lstat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Repository } from '../../engine/repository.ts';
import { sayDuration } from '../../policy/say-duration.ts';
import type { LocalAccess } from '../../storage/storage.ts';
import { shellWord } from '../../util/shell-word.ts';
import type { Point } from '../points.ts';
import { forecastOf } from '../status/judge-status.ts';
import { growthOf, readSpace } from '../status/view-repository.ts';
import { failed, ok, sizeText, warning, type Check } from './check.ts';

const leastRoom = 100 * 1024 * 1024;
const leastFiles = 1000;
/** How many of the last points say what the next one may need. */
const lately = 5;
const soonMs = 30 * 86_400_000;

/** Only a folder can be asked. What the largest of the last points has added should be free twice. */
export async function checkRoom(about: string, repository: Repository, points: readonly Point[]): Promise<Check[]> {
  const { local } = repository.storage;
  const { space } = await readSpace(repository);
  if (local === undefined || space === undefined) return [];
  const name = `${about}: space`;
  const { free } = space;
  const { ffree, files } = await statfs(local.path('config'));
  const remedy = 'Free space on that disk, keep fewer points (holdfast prune --keep-daily 7), or move the repository.';
  if (free < leastRoom) return [failed(name, `${sizeText(free)} are free`, remedy)];
  if (files > 0 && ffree < leastFiles) return [failed(name, `the file system has room for ${ffree} more files`, remedy)];
  const growth = growthOf(points);
  const largest = Math.max(0, ...growth.slice(-lately).map(({ added }) => added));
  if (free < 2 * largest)
    return [warning(name, `${sizeText(free)} are free, and one of the last points took ${sizeText(largest)}`, remedy)];
  const now = repository.clock.now();
  const full = forecastOf({ space, growth }, now)?.full;
  if (full === undefined) return [ok(name, `${sizeText(free)} are free`)];
  const day = full.toISOString().slice(0, 10);
  const leftMs = Math.max(0, full.getTime() - now.getTime());
  return [
    leftMs < soonMs
      ? warning(name, `${sizeText(free)} are free, and as it grows they are used up in ${sayDuration(leftMs)}, on ${day}`, remedy)
      : ok(name, `${sizeText(free)} are free; as it grows they last until ${day}`),
  ];
}

/** What root writes into somebody else's folder, that one can neither read nor remove. */
export async function checkOwner(about: string, local: LocalAccess, user: number | undefined): Promise<Check[]> {
  if (user === undefined) return [];
  const name = `${about}: owner`;
  const folder = dirname(local.path('config'));
  const { uid, gid } = await lstat(folder);
  const parts = ['config', 'data', 'index', 'keys', 'locks', 'snapshots'].map((part) =>
    part === 'config' ? local.path(part) : dirname(local.path(`${part}/x`)),
  );
  const others = new Set<number>();
  for (const part of parts) {
    const found = await lstat(part).catch(() => undefined);
    if (found !== undefined && found.uid !== uid) others.add(found.uid);
  }
  if (others.size > 0)
    return [
      warning(
        name,
        `${folder} belongs to user ${uid}, and parts of it to ${[...others].join(', ')}: what one of them writes, another may not remove`,
        `Give all of it to one, and run everything as that one:\nchown -R ${uid}:${gid} ${shellWord(folder)}`,
      ),
    ];
  if (uid === user) return [ok(name, 'it belongs to who runs this')];
  return [
    warning(
      name,
      `it belongs to user ${uid}, and this runs as ${user}: what one of them writes, the other may not remove`,
      `Run holdfast as that one, or give it to who runs it:\nchown -R ${user} ${shellWord(folder)}`,
    ),
  ];
}
