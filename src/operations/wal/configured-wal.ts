/** Which server and slot the configuration means. */
import type { Configuration, WalConfiguration } from '../../config/configuration.ts';
import { HoldfastError } from '../../errors.ts';
import { createTools, type ApplicationContext } from '../application/application-tools.ts';
import { openReplicatedServer } from '../physical/replicated-server.ts';
import type { WalServer } from './wal-server.ts';

export interface ConfiguredWal {
  readonly component: string;
  readonly slot: string;
  readonly wal: WalConfiguration;
  /** Nothing is connected to before. */
  open(): Promise<WalServer>;
}

/**
 * The component of that name whose base backups are configured, or the only one there is. Throws `component-unknown`, and `usage` where there
 * are none or several.
 */
export function findConfiguredWal(configuration: Configuration, name: string | undefined, context: ApplicationContext): ConfiguredWal {
  const { components, application, file } = configuration;
  const physical = components.flatMap(({ name: component, partOf, source }) =>
    source.kind === 'postgres-base' ? [{ component, partOf, source }] : [],
  );
  const found = name === undefined ? physical : physical.filter(({ component, partOf }) => component === name || partOf === name);
  const [chosen, other] = found;
  if (chosen === undefined && name !== undefined && components.every((component) => component.name !== name))
    throw new HoldfastError('component-unknown', { name, file, there: components.map((component) => component.name).join(', ') });
  if (chosen === undefined)
    throw new HoldfastError('usage', {
      reason: `${name === undefined ? 'no component' : `the component "${name}" is not one that`} has "mode: physical" or "mode: both" in ${file}`,
      help: 'holdfast wal stream --help',
    });
  if (other !== undefined)
    throw new HoldfastError('usage', {
      reason: `several components have base backups: say --component ${found.map(({ component }) => component).join(' or ')}`,
      help: 'holdfast wal stream --help',
    });
  const { source, component } = chosen;
  return {
    component,
    slot: source.wal.slot ?? slotNameOf(application, chosen.partOf ?? component),
    wal: source.wal,
    open: () => openReplicatedServer(createTools(configuration, context), source.at),
  };
}

/** A name as slots may have one: small letters, digits, underscores, at most 63. */
function slotNameOf(application: string, component: string): string {
  return `holdfast_${application}_${component}`
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '_')
    .slice(0, 63);
}
