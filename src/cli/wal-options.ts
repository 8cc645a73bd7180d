/** What the `wal` commands have in common: which server, which slot. */
import type { ConfiguredWal } from '../operations/wal/configured-wal.ts';
import type { WalServer } from '../operations/wal/wal-server.ts';
import { applicationContext, findConfiguration } from './application-configuration.ts';
import type { CommandContext } from './command-context.ts';
import type { OptionDescription } from './command-description.ts';

export const walServerOptions: readonly OptionDescription[] = [
  {
    flags: '--component <name>',
    text: 'the component of the configuration whose server is meant (default: the only one with base backups)',
  },
  { flags: '--postgres <url>', text: 'a server without a configuration, such as postgresql://replicator@host/postgres' },
  { flags: '--slot <name>', text: 'the replication slot (default: that of the configuration, or holdfast)' },
];

export interface ChosenWal {
  readonly slot: string;
  readonly configured?: ConfiguredWal;
  open(): Promise<WalServer>;
}

/** What the command line says, else the configuration. Undefined where neither names a server. Throws `usage`, `component-unknown`, `configuration`. */
export async function chooseWal(context: CommandContext): Promise<ChosenWal | undefined> {
  const { options, environment } = context;
  options.onlyOneOf('postgres', 'component');
  const slot = options.value('slot', readSlotName);
  const url = options.text('postgres');
  if (url !== undefined) {
    const { replicatedServerAt } = await import('../operations/physical/replicated-server.ts');
    return { slot: slot ?? 'holdfast', open: () => replicatedServerAt(url, environment) };
  }
  const configuration = await findConfiguration(context);
  if (configuration === undefined) {
    if (options.has('component')) throw options.wrong('--component needs a configuration, and there is none');
    return undefined;
  }
  const { findConfiguredWal } = await import('../operations/wal/configured-wal.ts');
  const configured = findConfiguredWal(configuration, options.text('component'), await applicationContext(context));
  return { slot: slot ?? configured.slot, configured, open: () => configured.open() };
}

/** Throws `usage` too where no server is named. */
export async function requireWal(context: CommandContext): Promise<ChosenWal> {
  const chosen = await chooseWal(context);
  if (chosen === undefined) throw context.options.wrong('no server was named: give --postgres URL, or -c FILE');
  return chosen;
}

function readSlotName(text: string): string {
  if (!/^[a-z0-9_]{1,63}$/.test(text)) throw new Error('is not a name of small letters, digits and underscores');
  return text;
}
