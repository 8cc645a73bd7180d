/** A service beside those of a Compose file, which keeps the same schedule by itself. */
import { stringify } from 'yaml';
import type { OuterSchedule } from './outer-schedule.ts';

export interface ComposeChoice {
  readonly image: string;
  /** Folders that runs write, at the same paths inside. */
  readonly writable: readonly string[];
  /** Folders that runs read. */
  readonly readable: readonly string[];
  readonly stateFolder: string;
  /** Whose hours are meant where the configuration does not say. */
  readonly timezone: string;
  /** The Docker engine is needed: sources are in containers or volumes. */
  readonly docker: boolean;
}

/** A whole Compose file: `docker compose -f docker-compose.yml -f FILE up -d`. */
export function asCompose(schedule: OuterSchedule, { image, writable, readable, stateFolder, docker, timezone }: ComposeChoice): string {
  const { folder, file, profile, slug } = schedule;
  const bind = (path: string, readOnly: boolean): object => ({
    type: 'bind',
    source: path,
    target: path,
    ...(readOnly ? { read_only: true } : {}),
  });
  const mounted = [...new Set([folder, ...readable])].filter((path) => !writable.includes(path));
  const service = {
    image,
    // Runs, locks and audit records are known by the name of their host: it is the same after each start.
    hostname: slug,
    // What is saved belongs to anybody; of root's rights it has those below.
    user: '0:0',
    command: ['serve', '--config', file, ...(profile === undefined ? [] : ['--profile', profile])],
    restart: 'unless-stopped',
    read_only: true,
    tmpfs: ['/tmp'],
    stop_grace_period: '2m',
    cap_drop: ['ALL'],
    cap_add: ['CHOWN', 'DAC_OVERRIDE', 'DAC_READ_SEARCH', 'FOWNER', 'FSETID', 'SETGID', 'SETUID'],
    security_opt: ['no-new-privileges:true'],
    environment: { HOLDFAST_PASSWORD_FILE: '/run/secrets/holdfast_password', HOLDFAST_STATE: stateFolder, TZ: timezone },
    secrets: ['holdfast_password'],
    volumes: [
      ...mounted.map((path) => bind(path, true)),
      ...writable.filter((path) => path !== stateFolder).map((path) => bind(path, false)),
      { type: 'volume', source: 'holdfast-state', target: stateFolder },
      ...(docker ? [{ type: 'bind', source: '/var/run/docker.sock', target: '/var/run/docker.sock' }] : []),
    ],
  };
  const compose = {
    services: { holdfast: service },
    volumes: { 'holdfast-state': {} },
    secrets: { holdfast_password: { file: './holdfast-password' } },
  };
  return `# Keeps the schedule of ${file.replaceAll(/[\r\n]+/g, ' ')}, which it reads itself.
# The password of the repository is in the file holdfast-password beside this one: readable by nobody else.
${dollarsDoubled(stringify(compose, { lineWidth: 0 }))}`;
}

/** Compose puts variables in. */
function dollarsDoubled(text: string): string {
  return text.replaceAll('$', '$$$$');
}
