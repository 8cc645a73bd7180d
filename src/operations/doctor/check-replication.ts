/** A server that is copied as a whole: one try to replicate, and then each setting that a base backup and its log depend on. */
import { isError } from '../../errors.ts';
import type { RunContext } from '../../engine/run-context.ts';
import { readClusterFacts } from '../../sources/postgres/replication/cluster-facts.ts';
import type { ReplicatedServer } from '../physical/replicated-server.ts';
import { failed, failedWith, ok, type Check } from './check.ts';
import { checkCluster } from './check-cluster.ts';
import { readClusterState } from './cluster-state.ts';

export interface ReplicationWish {
  /** The slot of the receiver. */
  readonly slot?: string;
  /** Every transaction is to wait for the receiver of this name. */
  readonly synchronous?: string;
}

export async function checkReplication(
  component: string,
  replicated: ReplicatedServer,
  wish: ReplicationWish,
  context: RunContext,
): Promise<Check[]> {
  const { server, readFile } = replicated;
  try {
    const state = await readClusterState(server);
    const connection = await tryReplication(component, replicated, state.isManaged, context);
    const facts = await readClusterFacts(server, { readFile });
    const role = facts.mayReplicate
      ? ok(`${component}: role`, `"${server.login.user}" may replicate`)
      : failed(`${component}: role`, `"${server.login.user}" may not replicate`, letReplicate(server.login.user));
    return [role, connection, ...checkCluster({ component, user: server.login.user, facts, state, ...wish })];
  } catch (error) {
    return [failedWith(`${component}: replication`, error)];
  }
}

/** Rules of pg_hba.conf cannot be read by everybody, and are not the only thing in between: it is tried. */
async function tryReplication(
  component: string,
  { connect }: ReplicatedServer,
  isManaged: boolean,
  { events, signal }: RunContext,
): Promise<Check> {
  const name = `${component}: replication`;
  try {
    const connection = await connect({ events, signal });
    await connection.close();
    return ok(name, 'a connection for replication was made');
  } catch (error) {
    const check = failedWith(name, error);
    if (!isManaged || !(isError(error, 'replication-role') || isError(error, 'replication-rules'))) return check;
    const remedy = 'Servers of providers do not hand out their files. In holdfast.yaml, for this component:\nmode: logical';
    return failed(name, check.what, remedy);
  }
}

function letReplicate(user: string): string {
  return `As a superuser let it, or make a role that can do nothing else and name that in the address:
ALTER ROLE "${user.replaceAll('"', '""')}" REPLICATION;
-- or
CREATE ROLE holdfast LOGIN REPLICATION PASSWORD 'CHOOSE ONE';
GRANT pg_monitor TO holdfast;`;
}
