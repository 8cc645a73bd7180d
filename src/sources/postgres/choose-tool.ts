/** Which of several copies of a tool fits a server. */
import { HoldfastError } from '../../errors.ts';
import type { PostgresTool, ToolName, ToolNeed } from './server.ts';

export interface ToolSearch {
  readonly name: ToolName;
  readonly need: ToolNeed;
  /** Where was looked, for messages: `/opt/tools`, `service db`. */
  readonly places: string;
  /** What to do where there is none, or none that is new enough: `Install it with: apt-get install …`. */
  readonly remedy: string;
}

/** Throws `postgres-tools-missing`, or `postgres-tools-old` when there are only older ones than the server. */
export function chooseTool(found: readonly PostgresTool[], { name, need, places, remedy }: ToolSearch): PostgresTool {
  const fitting = found.filter(({ major }) => major >= need.major).toSorted((a, b) => a.major - b.major);
  const [best] = fitting;
  if (best !== undefined) return best;
  const packageName = `postgresql-client-${need.major}`;
  const newest = found.toSorted((a, b) => b.major - a.major)[0];
  if (newest === undefined) throw new HoldfastError('postgres-tools-missing', { tool: name, places, package: packageName, remedy });
  throw new HoldfastError('postgres-tools-old', {
    tool: name,
    toolVersion: newest.version,
    title: need.title,
    serverVersion: need.serverVersion,
    package: packageName,
    remedy,
  });
}

/** The version in `pg_dump (PostgreSQL) 15.18 (Debian …)`, or undefined when the text says none. */
export function readToolVersion(text: string): { readonly version: string; readonly major: number } | undefined {
  const version = /\(PostgreSQL\) (\d+)(\S*)/.exec(text);
  return version === null ? undefined : { version: `${version[1]}${version[2]}`, major: Number(version[1]) };
}
