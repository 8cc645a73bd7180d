/** A connection that speaks PostgreSQL's replication protocol. */
import type { EventSink } from '../../../events.ts';
import { connectClient } from '../connect-client.ts';
import { type PostgresConnection, loginOf } from '../connection.ts';
import type { PostgresLogin } from '../login.ts';
import { type Conversation, type ReplicationRow, runCommand } from './conversation.ts';
import { type ReplicationPlace, translateReplicationError } from './replication-errors.ts';
import { Wire } from './wire.ts';

export type { ReplicationRow };

export interface ReplicationOptions {
  readonly connection: PostgresConnection;
  /** What to call it in messages, where that is not the connection's own address. */
  readonly login?: PostgresLogin;
  /** As it appears in pg_stat_replication and synchronous_standby_names; `holdfast` where absent. */
  readonly applicationName?: string;
  /** Gets what the server remarks. */
  readonly events?: EventSink;
  /** Ends the connection, whatever it does; what is under way throws the signal's reason. */
  readonly signal?: AbortSignal;
}

export interface ReplicationConnection {
  readonly login: PostgresLogin;
  /** Where it leads, for messages. */
  readonly place: ReplicationPlace;
  /** As `server_version_num`: 150018. */
  readonly version: number;
  /** For this folder. */
  readonly conversation: Conversation;
  /** Warnings of the server so far. */
  readonly warnings: readonly string[];
  /** Runs one command of the replication protocol: `IDENTIFY_SYSTEM`, `SHOW wal_segment_size`. Rows of each result. */
  query(command: string): Promise<readonly (readonly ReplicationRow[])[]>;
  /** Ends the connection, and a copy on it. Never throws; may be called twice. */
  close(): Promise<void>;
}

const keptWarnings = 100;

/**
 * Logs in for replication: TLS, SCRAM and passwords as for any other session. Throws `postgres-unreachable`, `postgres-login`,
 * `replication-role`, `replication-rules`, `replication-off`, `replication-senders`, `replication-managed`.
 */
export async function connectReplication(options: ReplicationOptions): Promise<ReplicationConnection> {
  const { connection, events, signal } = options;
  const login = options.login ?? loginOf(connection);
  const place: ReplicationPlace = { login, host: connection.host };
  signal?.throwIfAborted();
  try {
    const client = await connectClient(connection, {
      replication: true,
      ...(options.applicationName === undefined ? {} : { applicationName: options.applicationName }),
    });
    const wire = new Wire(client.connection.stream, signal);
    const warnings: string[] = [];
    const conversation: Conversation = {
      wire,
      remark: ({ severity, message }) => {
        if (severity === 'WARNING' && warnings.length < keptWarnings) warnings.push(message);
        events?.({ type: 'notice', message: `the server remarks: ${message}` });
      },
    };
    const [[row] = []] = await runCommand(conversation, 'SHOW server_version_num').catch((error: unknown) => {
      wire.close();
      throw error;
    });
    return describeConnection({ login, place, version: Number(row?.['server_version_num'] ?? 0), conversation, warnings });
  } catch (error) {
    throw translateReplicationError(error, place, signal);
  }
}

function describeConnection(parts: Omit<ReplicationConnection, 'query' | 'close'>): ReplicationConnection {
  const { conversation, place } = parts;
  return {
    ...parts,
    query: async (command) => {
      try {
        return await runCommand(conversation, command);
      } catch (error) {
        throw translateReplicationError(error, place);
      }
    },
    close: () => Promise.resolve(conversation.wire.close()),
  };
}
