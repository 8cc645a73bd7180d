/** Debian's Prometheus and Alertmanager, each as a process with a folder and a port of its own. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../programs/free-port.ts';
import { spawnServer } from '../stores/spawned-server.ts';

export interface WatchServer {
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
  stop(): Promise<void>;
}

export interface PrometheusOptions {
  /** What it scrapes: `127.0.0.1:PORT`. */
  readonly target: string;
  /** Path of a file of rules. */
  readonly rules: string;
  /** `127.0.0.1:PORT` of an Alertmanager. */
  readonly alertmanager: string;
}

/** Scrapes and judges every second. */
export async function startPrometheus({ target, rules, alertmanager }: PrometheusOptions): Promise<WatchServer> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-prometheus-'));
  const port = await freePort();
  const configuration = {
    global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' },
    rule_files: [rules],
    scrape_configs: [{ job_name: 'holdfast', static_configs: [{ targets: [target] }] }],
    alerting: { alertmanagers: [{ static_configs: [{ targets: [alertmanager] }] }] },
  };
  await writeFile(join(folder, 'prometheus.yml'), JSON.stringify(configuration));
  const args = [
    '--config.file=prometheus.yml',
    '--storage.tsdb.path=data',
    `--web.listen-address=127.0.0.1:${port}`,
    '--alertmanager.notification-queue-capacity=100',
    '--rules.alert.resend-delay=1s',
  ];
  return start({ name: 'Prometheus', file: 'prometheus', args, folder, port, ready: /(ready to receive web requests)/ });
}

/** @param webhook where it sends what it is told, a second later */
export async function startAlertmanager(webhook: string): Promise<WatchServer> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-alertmanager-'));
  const port = await freePort();
  const configuration = {
    route: { receiver: 'hook', group_by: ['alertname'], group_wait: '1s', group_interval: '1s', repeat_interval: '1h' },
    receivers: [{ name: 'hook', webhook_configs: [{ url: webhook, send_resolved: true }] }],
  };
  await writeFile(join(folder, 'alertmanager.yml'), JSON.stringify(configuration));
  const args = [
    '--config.file=alertmanager.yml',
    '--storage.path=data',
    `--web.listen-address=127.0.0.1:${port}`,
    '--cluster.listen-address=',
  ];
  return start({ name: 'Alertmanager', file: 'prometheus-alertmanager', args, folder, port, ready: /(address=127\.0\.0\.1|Listening on)/ });
}

interface Start {
  readonly name: string;
  readonly file: string;
  readonly args: readonly string[];
  readonly folder: string;
  readonly port: number;
  readonly ready: RegExp;
}

async function start({ folder, port, ...command }: Start): Promise<WatchServer> {
  try {
    const server = await spawnServer({ ...command, folder });
    return {
      url: `http://127.0.0.1:${port}`,
      stop: async () => {
        await server.stop();
        await rm(folder, { recursive: true, force: true });
      },
    };
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}
