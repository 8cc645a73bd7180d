/** A folder with a compose file of services that only wait, for tests of what is done to services. */
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { baseImage } from './docker.ts';

export interface ComposeService {
  /** `sleep infinity` where absent. */
  readonly command?: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** `VOLUME:/path`; the volumes are the project's own. */
  readonly volumes?: readonly string[];
  readonly health?: string;
}

export async function writeComposeFolder(
  services: Readonly<Record<string, ComposeService>>,
): Promise<{ readonly folder: string; readonly project: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-compose-'));
  const volumes = Object.values(services).flatMap((service) => (service.volumes ?? []).map((volume) => volume.split(':')[0] ?? ''));
  const file = {
    version: '3.7',
    services: Object.fromEntries(Object.entries(services).map(([name, service]) => [name, describeService(service)])),
    volumes: Object.fromEntries(volumes.map((volume) => [volume, {}])),
  };
  /* JSON is YAML. */
  await writeFile(join(folder, 'docker-compose.yml'), JSON.stringify(file));
  return { folder, project: basename(folder).toLowerCase() };
}

function describeService({ command = 'sleep infinity', labels = {}, volumes = [], health }: ComposeService): object {
  const healthcheck = health === undefined ? {} : { healthcheck: { test: ['CMD-SHELL', health], interval: '1s', retries: 2 } };
  return {
    image: baseImage,
    network_mode: 'none',
    init: true,
    command: ['sh', '-c', command.replaceAll('$', '$$')],
    labels,
    volumes,
    ...healthcheck,
  };
}
