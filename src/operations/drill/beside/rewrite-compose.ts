/**
 * A Compose file, rendered, made into one that can run beside the application it is of: other ports, volumes and containers of its own, nothing of the
 * live one mounted. Pure. What cannot be made so is refused: a second application that writes to the first one's data would be worse than no drill.
 */
import { z } from 'zod';
import { HoldfastError } from '../../../errors.ts';

const textMap = z.record(z.string(), z.unknown());
const serviceSchema = z.looseObject({
  image: z.string().optional(),
  network_mode: z.string().optional(),
  ports: z.array(z.unknown()).optional(),
  volumes: z.array(z.unknown()).optional(),
});
const fileSchema = z.looseObject({
  services: z.record(z.string(), serviceSchema),
  volumes: z.record(z.string(), textMap.nullable()).optional(),
  networks: z.record(z.string(), textMap.nullable()).optional(),
});
const longPort = z.looseObject({
  target: z.number(),
  published: z.union([z.string(), z.number()]).optional(),
  protocol: z.string().optional(),
});
const longMount = z.looseObject({ type: z.string(), source: z.string().optional(), read_only: z.boolean().optional() });

export interface Surroundings {
  /** Its mark: the name of the project, and what its volumes begin with. */
  readonly project: string;
  /** That of the live application. */
  readonly liveProject: string;
  /** Where the files of the application were restored; it begins with `target`. */
  readonly folder: string;
  /** Below which everything was restored, with its whole path. */
  readonly target: string;
  /** Old ports to new ones: those that the drill names. */
  readonly ports: ReadonlyMap<number, number>;
  /** A port that nobody has, for one that the file publishes. */
  readonly nextPort: () => number;
  /** The image that the live service runs on, for one that would be built. */
  readonly imageOf: (service: string) => string | undefined;
  readonly isThere: (path: string) => boolean;
}

export interface RewrittenCompose {
  readonly file: object;
  /** All old ports to new ones: also those that were published. */
  readonly ports: ReadonlyMap<number, number>;
}

/** Throws `drill-not-possible`, which names what stands in the way. */
export function rewriteCompose(rendered: unknown, surroundings: Surroundings): RewrittenCompose {
  const parsed = fileSchema.safeParse(rendered);
  if (!parsed.success) throw refuse('its Compose file is not understood', 'Check it with: docker compose config');
  const ports = new Map(surroundings.ports);
  const services = Object.entries(parsed.data.services).map(
    ([name, service]) => [name, rewriteService(name, service, ports, surroundings)] as const,
  );
  const { networks = {}, volumes = {} } = parsed.data;
  const external = Object.entries(networks).find(([, network]) => isExternal(network));
  if (external !== undefined)
    throw refuse(`its network "${external[0]}" is external, and others are on it`, 'Let the Compose file make a network of its own');
  const own = (name: string): object => ({ name: volumeBeside(name, surroundings) });
  return {
    ports,
    file: {
      ...parsed.data,
      name: undefined,
      services: Object.fromEntries(services),
      networks: Object.fromEntries(Object.entries(networks).map(([name, network]) => [name, withoutName(network)])),
      volumes: Object.fromEntries(
        Object.entries(volumes).map(([name, volume]) => {
          if (volume !== null && 'driver_opts' in volume)
            throw refuse(`its volume "${name}" has options of a driver, and may be the live one's data`, 'Use kind: restore for it');
          return [name, own(nameOf(volume, name))];
        }),
      ),
    },
  };
}

/** What a volume of the live application is called in the drill. */
export function volumeBeside(name: string, { project, liveProject }: Pick<Surroundings, 'project' | 'liveProject'>): string {
  for (const own of [project, liveProject]) if (name.startsWith(`${own}_`)) return `${project}_${name.slice(own.length + 1)}`;
  return `${project}_${name}`;
}

/** Old ports of an address as new ones; undefined where there is no old one in it. */
export function rewritePorts(text: string, ports: ReadonlyMap<number, number>): string | undefined {
  let isChanged = false;
  const rewritten = text.replaceAll(/(?<![\w.])\d{2,5}(?![\w.])/g, (number) => {
    const port = ports.get(Number(number));
    if (port === undefined) return number;
    isChanged = true;
    return String(port);
  });
  return isChanged ? rewritten : undefined;
}

type Service = z.infer<typeof serviceSchema>;

function rewriteService(name: string, service: Service, ports: Map<number, number>, surroundings: Surroundings): object {
  const { container_name: _, build, ...rest } = service;
  if (rest.network_mode === 'host' && surroundings.ports.size === 0)
    throw refuse(
      `its service "${name}" uses the network of the host, where the live one has its ports`,
      "Name the variables that hold ports in the drill's ports: [WEB_PORT]",
    );
  const image = build === undefined ? rest.image : (surroundings.imageOf(name) ?? rest.image);
  if (image === undefined)
    throw refuse(`its service "${name}" has to be built, and none of it is there`, `Build it: docker compose build ${name}`);
  const rewritten = {
    ...rest,
    image,
    ports: rest.ports?.map((port) => rewritePublished(name, port, ports, surroundings)),
    volumes: rest.volumes?.map((mount) => rewriteMount(name, mount, surroundings)),
  };
  const keys = ['environment', 'command', 'entrypoint', 'healthcheck'] as const;
  return {
    ...rewritten,
    ...Object.fromEntries(keys.flatMap((key) => (key in rest ? [[key, rewriteDeep(rest[key], surroundings.ports)]] : []))),
  };
}

/** Every text and number in it. */
function rewriteDeep(value: unknown, ports: ReadonlyMap<number, number>): unknown {
  if (typeof value === 'string') return rewritePorts(value, ports) ?? value;
  if (typeof value === 'number') return ports.get(value) ?? value;
  if (Array.isArray(value)) return value.map((each) => rewriteDeep(each, ports));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, rewriteDeep(each, ports)]));
}

/** Only this machine reaches it. */
function rewritePublished(service: string, port: unknown, ports: Map<number, number>, { nextPort }: Surroundings): string {
  const long = longPort.safeParse(port);
  const [, published, target, protocol] =
    typeof port === 'string' || typeof port === 'number' ? (/^(?:.*:)?(\d+):(\d+)(?:\/(\w+))?$/.exec(String(port)) ?? []) : [];
  const old = long.success ? long.data.published : published;
  const inside = long.success ? long.data.target : Number(target);
  if (old !== undefined && !/^\d+$/.test(String(old)))
    throw refuse(`its service "${service}" publishes a range of ports`, 'Publish single ports');
  if (!Number.isInteger(inside)) {
    const only = Number(port);
    if (Number.isInteger(only)) return `127.0.0.1::${only}`;
    throw refuse(`its service "${service}" publishes ports in a form that is not understood`, 'Publish single ports, such as "8080:80"');
  }
  const suffix = (long.success ? long.data.protocol : protocol) === 'udp' ? '/udp' : '';
  if (old === undefined) return `127.0.0.1::${inside}${suffix}`;
  const fresh = ports.get(Number(old)) ?? nextPort();
  ports.set(Number(old), fresh);
  return `127.0.0.1:${fresh}:${inside}${suffix}`;
}

function rewriteMount(service: string, mount: unknown, { folder, target, isThere }: Surroundings): unknown {
  const long = longMount.safeParse(mount);
  const [, source = '', rest = ''] = typeof mount === 'string' ? (/^([^:]+)(:.*)$/.exec(mount) ?? []) : [];
  const from = long.success ? (long.data.type === 'bind' ? (long.data.source ?? '') : '') : source;
  if (!from.startsWith('/')) return mount;
  const withSource = (path: string): unknown => (long.success ? { ...long.data, source: path } : `${path}${rest}`);
  if (from === folder || from.startsWith(`${folder}/`) || from.startsWith(`${target}/`)) return mount;
  if (isThere(`${target}${from}`)) return withSource(`${target}${from}`);
  const readsOnly = long.success ? long.data.read_only === true : /:[^:]*:(?:.*,)?ro(?:,.*)?$/.test(rest);
  if (readsOnly && !from.endsWith('.sock')) return mount;
  throw refuse(
    `its service "${service}" mounts ${from} of this machine, which the point does not hold`,
    'Save it as a component, mount it for reading only, or use kind: restore',
  );
}

function isExternal(part: Readonly<Record<string, unknown>> | null): boolean {
  return part !== null && 'external' in part && part['external'] !== false;
}

function withoutName(part: Readonly<Record<string, unknown>> | null): object | null {
  if (part === null) return null;
  const { name: _, ...rest } = part;
  return rest;
}

function refuse(reason: string, remedy: string): HoldfastError {
  return new HoldfastError('drill-not-possible', { what: 'the whole application beside itself', reason, remedy });
}

/** The name that a volume has of its own. */
function nameOf(volume: object | null, key: string): string {
  return volume !== null && 'name' in volume && typeof volume.name === 'string' ? volume.name : key;
}
