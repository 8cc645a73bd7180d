/** A PostgreSQL cluster as a component: its base backup, whole or by changed pages. */
import { HoldfastError } from '../../../errors.ts';
import type { CapturedTree, CaptureContext, Source } from '../../source.ts';
import { placeOf } from '../login.ts';
import { type ClusterFacts, readClusterFacts } from '../replication/cluster-facts.ts';
import type { ReplicationConnection } from '../replication/connect-replication.ts';
import type { PostgresServer } from '../server.ts';
import type { BaseManifest } from './base-manifest.ts';
import { captureBase } from './capture-base.ts';

/** The base backup that an increment builds on. */
export interface PreviousBase {
  readonly snapshotId: string;
  readonly manifest: BaseManifest;
  readonly tree: CapturedTree;
}

export interface BaseSourceOptions {
  /** The component's name, such as `database`. */
  readonly component: string;
  /** For facts and the server's clock. */
  readonly server: PostgresServer;
  /** Connects for replication; the capture closes the connection. */
  readonly connect: (context: CaptureContext) => Promise<ReplicationConnection>;
  /** Reads a file of the server's machine, for configuration that the server does not hand out. */
  readonly readFile?: (path: string) => Promise<Uint8Array>;
  /** Where they have been read just now. */
  readonly facts?: ClusterFacts;
  readonly mode: 'full' | 'increment';
  /** For an increment. */
  readonly previous?: PreviousBase;
  /** The server itself says what has changed since the previous base (17 and later, summarize_wal on). */
  readonly serverSide?: boolean;
  readonly checkpoint: 'fast' | 'spread';
  /** Bytes a second. */
  readonly rate?: number;
  /** For temporary files: page hashes (0.1 % of the database, twice), changed pages of a large file. The system's by default. */
  readonly workFolder?: string;
}

/**
 * One base backup, as streams in the layout of base-layout.ts; kind `postgres-base`. What its capture throws: the catalogue's PostgreSQL and replication errors;
 * `base-chain` where an increment cannot build on the previous base (another cluster, another version, no page map); `postgres-room`, `damaged`, `interrupted`.
 */
export function createBaseSource(options: BaseSourceOptions): Source {
  const { component, server } = options;
  const readFacts = async (): Promise<ClusterFacts> =>
    options.facts ?? readClusterFacts(server, options.readFile === undefined ? {} : { readFile: options.readFile });
  if (options.mode === 'increment' && options.previous === undefined)
    throw new HoldfastError('internal', { reason: 'an increment was asked for without a base backup to build on' });
  return {
    kind: 'postgres-base',
    component,
    describe: async () => {
      const facts = await readFacts();
      return {
        kind: 'postgres-base',
        component,
        title: `cluster ${facts.systemId} ${placeOf(server.login)}`,
        facts: { server: facts.version, systemId: facts.systemId, pageSize: facts.pageSize, tablespaces: facts.tablespaces.length },
      };
    },
    capture: (context) => Promise.resolve({ shape: 'streams', entries: captureBase(options, readFacts, context), compression: 'fast' }),
  };
}
