import { join } from 'node:path';
import { HoldfastError, exitStatus, reasonOf } from '../../errors.ts';
import type { CommandDescription } from '../command-description.ts';
import { readSize } from '../option-values.ts';

const defaultAddress = '127.0.0.1:8000';
const defaultDaemonAddress = '127.0.0.1:7930';

export const serveCommand: CommandDescription = {
  name: 'serve',
  description:
    'Runs what the configuration says at its times, for as long as it runs: backups, copies, archives, drills, checks, pruning; keeps the write-ahead log of servers coming in, raises alarms, and answers by HTTP (docs/api.md).\nEach run is a process of its own. SIGTERM ends those and then the daemon; SIGHUP, or a changed file, has the configuration read again. What was missed while it did not run is told, and caught up once.',
  options: [
    {
      flags: '--listen <address>',
      text: `HOST:PORT to answer on (default: serve.listen of the configuration, or ${defaultDaemonAddress})`,
    },
  ],
  examples: ['serve -c /srv/app/holdfast.yaml', 'serve -c /srv/app/holdfast.yaml --listen 127.0.0.1:9000 --json'],
  isEndedByHangup: false,
  run: async (context) => {
    const { options, output, clock, environment, signal } = context;
    const { findConfiguration } = await import('../application-configuration.ts');
    const configuration = await findConfiguration(context);
    if (configuration === undefined) throw options.wrong('there is no configuration here; give -c FILE');
    const { loadConfiguration } = await import('../../config/load-configuration.ts');
    const { runDaemon } = await import('../../daemon/daemon.ts');
    const { stateFolderOf } = await import('../../util/state-folder.ts');
    const wanted = options.value('listen', readAddress);
    const { file } = configuration;
    await runDaemon({
      load: () => loadConfiguration({ file, environment, profile: options.text('profile') }),
      environment,
      stateFolder: stateFolderOf(environment),
      clock,
      signal,
      address: ({ serve }) => wanted ?? readAddress(serve?.listen ?? defaultDaemonAddress),
      log: ({ record, text }) => output.result(record, () => text),
      onListening: ({ host, port }) => {
        const url = `http://${host.includes(':') ? `[${host}]` : host}:${port}/`;
        output.result({ message_type: 'listening', url, pid: process.pid }, () => `serving ${file}, listening: ${url}`);
      },
      onHangup: (reload) => {
        process.on('SIGHUP', reload);
        return () => process.off('SIGHUP', reload);
      },
    });
    return exitStatus.done;
  },
};

export const serveRestCommand: CommandDescription = {
  name: 'serve rest',
  description:
    "Offers the repositories in and below a folder of this machine to restic and holdfast on others, by restic's REST protocol, for as long as it runs. What is uploaded is kept only when its content is what its name says. With --append-only, whoever has the credentials of a backed-up machine can add points and delete none: prune on this machine instead.\nUsers stand in an htpasswd file (DIR/.htpasswd, where there is one); without users it listens on this machine alone.",
  options: [
    { flags: '--path <dir>', text: 'the folder with the repositories' },
    { flags: '--listen <address>', text: `HOST:PORT to listen on (default: ${defaultAddress})` },
    { flags: '--append-only', text: 'let nothing be deleted or replaced, save locks' },
    { flags: '--private-repos', text: 'let each user reach repositories below DIR/USER and no others' },
    { flags: '--htpasswd <file>', text: 'who may use it: passwords hashed with bcrypt (htpasswd -B) or SHA' },
    { flags: '--no-auth', text: 'let everybody read and write, from wherever' },
    { flags: '--tls-cert <file>', text: 'the certificate (PEM), for https' },
    { flags: '--tls-key <file>', text: 'the key of the certificate (PEM)' },
    { flags: '--max-size <size>', text: 'bytes that everything in the folder may take, such as 500G' },
  ],
  examples: [
    'serve rest --path /srv/backups --listen 127.0.0.1:8000 --append-only',
    'serve rest --path /srv/backups --listen :8000 --htpasswd /etc/holdfast/htpasswd --tls-cert cert.pem --tls-key key.pem --private-repos',
  ],
  run: async ({ options, output, events, signal }) => {
    const folder = options.text('path');
    if (folder === undefined) throw options.wrong('--path DIR is missing');
    options.onlyOneOf('htpasswd', 'no-auth');
    const address = options.value('listen', readAddress) ?? readAddress(defaultAddress);
    const maxBytes = options.value('max-size', readSize);
    const { existsSync } = await import('node:fs');
    const { createRestServer } = await import('../../server/rest/rest-server.ts');
    const beside = join(folder, '.htpasswd');
    const users = options.text('htpasswd') ?? (options.has('no-auth') || !existsSync(beside) ? undefined : beside);
    const tls = await readTls(options.text('tls-cert'), options.text('tls-key'));
    if (tls === 'half') throw options.wrong('--tls-cert and --tls-key belong together');
    const server = createRestServer({
      folder,
      noAuth: options.has('no-auth'),
      appendOnly: options.has('append-only'),
      privateRepos: options.has('private-repos'),
      events,
      ...(users === undefined ? {} : { users }),
      ...(maxBytes === undefined ? {} : { maxBytes }),
      ...(tls === undefined ? {} : { tls }),
    });
    const { host, port } = await server.listen(address);
    const url = `http${tls === undefined ? '' : 's'}://${host.includes(':') ? `[${host}]` : host}:${port}/`;
    output.result({ message_type: 'listening', url, append_only: options.has('append-only') }, () => `listening: rest:${url}`);
    if (!signal.aborted) await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    await server.close();
    return exitStatus.done;
  },
};

/** `HOST:PORT`, `:PORT` for every address of this machine, `[::1]:PORT`. */
function readAddress(text: string): { readonly host: string; readonly port: number } {
  const [, bracketed, plain, port = ''] = /^(?:\[([0-9a-f:.]+)\]|([^:[\]/]*)):(\d{1,5})$/i.exec(text) ?? [];
  if (port === '' || Number(port) > 65_535) throw new Error(`is not an address such as ${defaultAddress}`);
  const host = bracketed ?? plain ?? '';
  return { host: host === '' ? '::' : host, port: Number(port) };
}

async function readTls(
  cert: string | undefined,
  key: string | undefined,
): Promise<{ certificate: Buffer; key: Buffer } | 'half' | undefined> {
  if (cert === undefined && key === undefined) return undefined;
  if (cert === undefined || key === undefined) return 'half';
  const { readFile } = await import('node:fs/promises');
  try {
    return { certificate: await readFile(cert), key: await readFile(key) };
  } catch (error) {
    throw new HoldfastError(
      'server-setup',
      { what: 'with TLS', reason: reasonOf(error), help: 'Give --tls-cert and --tls-key as PEM files' },
      error,
    );
  }
}
