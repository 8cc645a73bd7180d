/** The application of a point, as it runs beside the live one: its configuration in another folder, another Compose project, other ports. */
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parseEnv } from 'node:util';
import { parse, stringify } from 'yaml';
import type { ComponentConfiguration, Configuration, HealthConfiguration, SmokeTest } from '../../../config/configuration.ts';
import { parseConfiguration } from '../../../config/parse-configuration.ts';
import { HoldfastError } from '../../../errors.ts';
import type { PointRecords } from '../../application/find-manifest.ts';
import { createTools, type ApplicationTools, type Environment } from '../../application/application-tools.ts';
import { findComposeFile } from '../../application/compose-file.ts';
import { renderCompose } from '../../application/compose-program.ts';
import { restoredEnvironment } from '../../application/referenced-variables.ts';
import type { DrillRun } from '../drill-run.ts';
import { findFreePorts } from './free-ports.ts';
import { rewriteCompose, rewritePorts } from './rewrite-compose.ts';

export interface BesideApplication {
  readonly tools: ApplicationTools;
  /** Old ports to new ones. */
  readonly ports: ReadonlyMap<number, number>;
}

function refuse(reason: string, remedy: string): HoldfastError {
  return new HoldfastError('drill-not-possible', { what: 'the whole application beside itself', reason, remedy });
}

/** The configuration of the point, as if it lay below `target`. Nothing in it leads to a live database. Throws `drill-not-possible`. */
export function configureBeside(run: DrillRun, { manifest, text, variables }: PointRecords, target: string): ApplicationTools {
  const { environment } = run.context;
  const restored = restoredEnvironment(text, variables, environment);
  const file = join(target, manifest.configuration.file);
  const parsed = parseConfiguration(text, { file, environment: restored, profile: manifest.profile ?? undefined });
  if ('problems' in parsed)
    throw refuse("the point's configuration is not understood", 'Make a new point with the configuration that there is now');
  const { configuration } = parsed;
  const { recovery, compose } = configuration;
  for (const command of recovery.after)
    if (command.service === undefined)
      throw refuse(
        `the command "${command.run.slice(0, 100)}" of its recovery runs on this machine, and could reach the live one`,
        'Give it a service',
      );
  return createTools(
    {
      ...configuration,
      components: configuration.components.map(moveComponent),
      compose: { ...compose, project: run.mark.text },
    },
    { ...run.context, environment: restored },
  );
}

/** Services are looked up in the drill's project. Throws `drill-not-possible` for what would be the live one. */
function moveComponent(component: ComponentConfiguration): ComponentConfiguration {
  const { source, name, partOf } = component;
  if (source.kind === 'postgres-base' && partOf === undefined)
    throw refuse(`"${name}" is saved as base backups only`, 'Use kind: restore, which replays them beside the live server');
  if (source.kind !== 'postgres' && source.kind !== 'redis') return component;
  if (!('service' in source.at)) throw refuse(`"${name}" is not a service of its Compose file`, 'Use kind: restore for it');
  if (source.at.project !== undefined)
    throw refuse(`"${name}" is a service of another project, ${source.at.project}`, 'Use kind: restore for it');
  return component;
}

/** Once its files are there: a Compose file for beside. Throws `drill-not-possible`, `command-failed`. */
export async function composeBeside(run: DrillRun, tools: ApplicationTools, target: string): Promise<BesideApplication> {
  const { configuration, context } = tools;
  const file = findComposeFile(configuration);
  if (file === undefined) throw refuse('the point holds no Compose file', 'Save it with the configuration or the code');
  const named = await chooseNamed(run, dirname(file), context.environment);
  const rendered: unknown = parse(await renderCompose(tools));
  const spare = await findFreePorts(64);
  const live = await run.tools.docker();
  const liveProject = await run.tools.project();
  const images = new Map((await live.containers({ project: liveProject, all: true })).map(({ service, imageId }) => [service, imageId]));
  const rewritten = rewriteCompose(rendered, {
    project: run.mark.text,
    liveProject,
    folder: dirname(file),
    target,
    ports: named,
    nextPort: () => {
      const port = spare.pop();
      if (port === undefined) throw refuse('its services publish more than 64 ports', 'Use kind: restore');
      return port;
    },
    imageOf: (service) => images.get(service),
    isThere: existsSync,
  });
  const beside = join(dirname(file), 'holdfast-drill.compose.yaml');
  await writeFile(beside, stringify(rewritten.file, { lineWidth: 0, aliasDuplicateObjects: false }), { mode: 0o600 });
  await rewriteFiles(tools, named);
  const moved: Configuration = { ...configuration, compose: { file: beside, project: run.mark.text } };
  return { tools: createTools(moved, context), ports: rewritten.ports };
}

/** The ports that variables of the Compose file hold. Throws `drill-not-possible` for one that holds none. */
async function chooseNamed({ drill }: DrillRun, folder: string, environment: Environment): Promise<Map<number, number>> {
  const written = await readFile(join(folder, '.env'), 'utf8').then(
    (text) => parseEnv(text),
    () => ({}),
  );
  const values: Environment = { ...written, ...environment };
  const free = await findFreePorts(drill.ports.length);
  return new Map(
    drill.ports.map((name, index) => {
      const value = values[name] ?? '';
      const fresh = free[index];
      if (!/^\d{2,5}$/.test(value) || fresh === undefined) throw refuse(`the variable ${name} holds no port`, "Correct the drill's ports");
      return [Number(value), fresh] as const;
    }),
  );
}

/** Restored configuration may say the live ports too. */
async function rewriteFiles({ configuration }: ApplicationTools, ports: ReadonlyMap<number, number>): Promise<void> {
  if (ports.size === 0) return;
  for (const { source } of configuration.components) {
    if (source.kind !== 'config') continue;
    const { findConfigFiles } = await import('../../../sources/config/find-config-files.ts');
    for (const path of (await findConfigFiles(configuration.folder, source.files)).roots) {
      const text = await readFile(path, 'utf8').catch(() => '');
      const rewritten = text.includes('\0') ? undefined : rewritePorts(text, ports);
      if (rewritten !== undefined) await writeFile(path, rewritten);
    }
  }
}

/** Undefined where it would ask the live application. */
export function moveHealth(health: HealthConfiguration, ports: ReadonlyMap<number, number>): HealthConfiguration | undefined {
  if ('service' in health) return health;
  const url = moveUrl(health.url, ports);
  return url === undefined ? undefined : { ...health, url };
}

/** Undefined where it would ask the live application. */
export function moveTest(test: SmokeTest, ports: ReadonlyMap<number, number>): SmokeTest | undefined {
  if ('sql' in test) return test;
  if ('run' in test) return test.service === undefined ? undefined : test;
  const http = moveUrl(test.http, ports);
  return http === undefined ? undefined : { ...test, http };
}

function moveUrl(url: string, ports: ReadonlyMap<number, number>): string | undefined {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const port = parsed === undefined ? undefined : ports.get(Number(parsed.port || (parsed.protocol === 'https:' ? 443 : 80)));
  if (parsed === undefined || port === undefined || !/^(localhost|127\.0\.0\.1|\[::1\])$/.test(parsed.hostname)) return undefined;
  parsed.port = String(port);
  return parsed.href;
}
