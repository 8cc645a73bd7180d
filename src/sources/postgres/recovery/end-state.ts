/** What a recovered server says about itself, compared with what was asked for. */
import { HoldfastError } from '../../../errors.ts';
import type { PostgresSession } from '../session.ts';
import type { RecoveryAim } from './recovery-settings.ts';
import { describeTarget } from './recovery-target.ts';
import { readServerTime, type RecoveryProgress } from './server-log.ts';

export interface RecoveryOutcome {
  readonly state: 'promoted' | 'paused';
  /** The timeline it writes on from here; the one it follows while it is paused. */
  readonly timeline: number;
  /** Up to where its log was replayed, such as `0/3000028`. */
  readonly lsn: string;
  /** When the last transaction that it has was committed, by the clock of the server that did. Absent where the log had none. */
  readonly reached?: Date;
  /** In the server's words: `before commit of transaction 739, time …`. Absent where it came to the end of the log. */
  readonly stop?: string;
  /** `15.18` */
  readonly version: string;
  /** Segments that the server took from the repository. */
  readonly segments: number;
}

export interface EndStateRequest {
  readonly open: () => Promise<PostgresSession>;
  readonly aim: RecoveryAim;
  readonly progress: RecoveryProgress;
  readonly dataDirectory: string;
}

interface Row {
  readonly recovering: boolean;
  readonly paused: boolean | null;
  readonly reached: string | null;
  readonly lsn: string | null;
  readonly segment: string | null;
  readonly version: string;
}

const query = `SELECT pg_is_in_recovery() AS recovering,
  CASE WHEN pg_is_in_recovery() THEN pg_is_wal_replay_paused() END AS paused,
  pg_last_xact_replay_timestamp()::text AS reached,
  pg_last_wal_replay_lsn()::text AS lsn,
  CASE WHEN NOT pg_is_in_recovery() THEN pg_walfile_name(pg_current_wal_lsn()) END AS segment,
  split_part(current_setting('server_version'), ' ', 1) AS version`;

/** Throws `recovery-mismatch` where the server is not in the state, or has gone past the moment, that was asked for. */
export async function readEndState({ open, aim, progress, dataDirectory }: EndStateRequest): Promise<Omit<RecoveryOutcome, 'segments'>> {
  const session = await open();
  const refuse = (reason: string): never => {
    throw new HoldfastError('recovery-mismatch', { path: dataDirectory, reason });
  };
  try {
    const [row] = await session.query<Row>(query);
    if (row === undefined) return refuse('it does not tell its state');
    const stopped = aim.target.kind !== 'latest';
    if (stopped && progress.stop === undefined) return refuse(`it came up without having stopped at ${describeTarget(aim.target)}`);
    const isPaused = aim.action === 'pause' && stopped;
    if (row.recovering !== isPaused) return refuse(row.recovering ? 'it is still recovering' : 'it was promoted, and was to be paused');
    const reached = row.reached === null ? undefined : readServerTime(row.reached);
    if (aim.target.kind === 'time' && reached !== undefined && reached > aim.target.time)
      return refuse(`its last transaction is of ${reached.toISOString()}, after ${describeTarget(aim.target)}`);
    return {
      state: isPaused ? 'paused' : 'promoted',
      timeline: row.segment === null ? aim.timeline : Number.parseInt(row.segment.slice(0, 8), 16),
      lsn: row.lsn ?? progress.position ?? '',
      ...(reached === undefined ? {} : { reached }),
      ...(progress.stop === undefined ? {} : { stop: progress.stop }),
      version: row.version,
    };
  } finally {
    await session.close();
  }
}
