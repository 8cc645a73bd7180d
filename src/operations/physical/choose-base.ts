/** Whether the next base backup is a full one, or only what changed since the last. Pure: time is passed in. */
import type { BaseManifest } from '../../sources/postgres/physical/base-manifest.ts';

export interface BasePolicy {
  /** A full one is due when the last is this old, in milliseconds. */
  readonly fullEveryMs: number;
  /** Most increments that build on one full. */
  readonly increments: number;
}

/** A base backup that the repository holds. */
export interface EarlierBase {
  readonly snapshotId: string;
  readonly manifest: BaseManifest;
}

/** The server as it is now. */
export interface ServerNow {
  readonly systemId: string;
  readonly major: number;
  readonly pageSize: number;
  /** It can say itself which pages changed (17 and newer, summarize_wal on). */
  readonly summarizes: boolean;
}

export type BaseChoice =
  | { readonly mode: 'full'; readonly reason: string }
  | { readonly mode: 'increment'; readonly previous: EarlierBase; readonly serverSide: boolean };

export interface ChooseBase {
  /** Of this component, newest first. */
  readonly earlier: readonly EarlierBase[];
  readonly server: ServerNow;
  readonly policy: BasePolicy;
  readonly now: Date;
}

/** An increment builds on the newest base of the same cluster, where all that one builds on is still there. */
export function chooseBase({ earlier, server, policy, now }: ChooseBase): BaseChoice {
  const full = (reason: string): BaseChoice => ({ mode: 'full', reason });
  if (policy.increments === 0) return full('increments are turned off');
  const [previous] = earlier;
  if (previous === undefined) return full('it is the first');
  const { manifest } = previous;
  if (manifest.systemId !== server.systemId) return full('the server is another cluster than the one saved before');
  if (manifest.major !== server.major || manifest.pageSize !== server.pageSize)
    return full(`the server has been upgraded from ${manifest.serverVersion}`);
  if (manifest.chain.length >= policy.increments) return full(`${manifest.chain.length} increments build on the last one`);
  const [firstId = previous.snapshotId] = manifest.chain;
  const first = earlier.find(({ snapshotId }) => snapshotId === firstId);
  const lost = manifest.chain.find((id) => earlier.every(({ snapshotId }) => snapshotId !== id));
  if (first === undefined || lost !== undefined) return full('a base backup that the last one builds on is gone');
  if (now.getTime() - Date.parse(first.manifest.startedAt) >= policy.fullEveryMs) return full('the last full one is old enough');
  if (!server.summarizes && manifest.serverSide === true) return full('the server does not say any more which pages changed');
  return { mode: 'increment', previous, serverSide: server.summarizes };
}
