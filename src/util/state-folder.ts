import { homedir } from 'node:os';
import { join } from 'node:path';

/**
 * Where this host keeps what must outlive a run: journals of recoveries, services that are stopped. HOLDFAST_STATE says where, else it is
 * /var/lib/holdfast for root and `holdfast` in XDG_STATE_HOME for others. It need not be there yet.
 */
export function stateFolderOf(environment: Readonly<Record<string, string | undefined>>): string {
  if (environment['HOLDFAST_STATE']) return environment['HOLDFAST_STATE'];
  if (process.getuid?.() === 0) return '/var/lib/holdfast';
  return join(environment['XDG_STATE_HOME'] || join(environment['HOME'] || homedir(), '.local', 'state'), 'holdfast');
}
