/** Runs `holdfast doctor` for real, in a folder with an application whose configuration a test writes. */
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { expect } from 'vitest';
import { z } from 'zod';
import { password } from '../../../test/harness/programs/run-programs.ts';
import { createQuickRepository } from '../../../test/harness/repositories/quick-repository.ts';
import { knownChecks } from '../../operations/doctor/list-of-checks.ts';
import { findCommand } from '../find-command.ts';
import { makeWorkplace, parseLines, runHoldfast, type RunOptions } from './run-holdfast.ts';

const checkSchema = z.object({
  message_type: z.literal('check'),
  name: z.string(),
  status: z.enum(['ok', 'warning', 'failed']),
  what: z.string(),
  do: z.string().optional(),
});

export interface DoctorRun {
  readonly status: number;
  readonly stdout: string;
  /** By their names. */
  readonly checks: ReadonlyMap<string, z.infer<typeof checkSchema>>;
}

const known = knownChecks.map(({ name }) => {
  const form = name.split(/([A-Z]{3,})/).map((part, at) => (at % 2 === 1 ? '.+' : RegExp.escape(part)));
  return new RegExp(`^${form.join('')}$`);
});

type Workplace = Awaited<ReturnType<typeof makeWorkplace>>;

/** A folder with uploads, a repository that is empty, and room for certificates. */
export async function makeDoctorPlace(): Promise<{
  readonly place: Workplace;
  readonly repository: string;
  readonly certificates: string;
}> {
  const place = await makeWorkplace();
  const repository = place.path('backups');
  const certificates = place.path('certificates');
  for (const folder of [certificates, place.path('uploads')]) await mkdir(folder);
  await writeFile(place.path('uploads', 'a'), 'a');
  await createQuickRepository(repository);
  return { place, repository, certificates };
}

/** Fails where it shows a word that no test's secret is without: "hush". */
export async function runDoctor(place: Workplace, words: readonly string[], options: RunOptions = {}): Promise<DoctorRun> {
  const { status, stdout, stderr } = await runHoldfast(['doctor', '--json', ...words], {
    cwd: place.folder,
    ...options,
    env: { HOLDFAST_PASSWORD: password, HOLDFAST_STATE: place.path('state'), ...options.env },
  });
  expect(`${stdout}${stderr}`).not.toContain('hush');
  const checks = parseLines(stdout).flatMap((line) => (line['message_type'] === 'check' ? [checkSchema.parse(line)] : []));
  // What the list of checks does not have, the page about troubles does not have either.
  expect(checks.map(({ name }) => name).filter((name) => !known.some((form) => form.test(name)))).toEqual([]);
  for (const { do: remedy = '' } of checks) expect(await unknownCommands(remedy)).toEqual([]);
  return { status, stdout, checks: new Map(checks.map((check) => [check.name, check])) };
}

/** Lines to paste that holdfast would not understand. */
async function unknownCommands(remedy: string): Promise<string[]> {
  const unknown: string[] = [];
  for (const line of remedy.split('\n').filter((each) => each.startsWith('holdfast '))) {
    const found = await findCommand(line.split(' ').slice(1)).catch(() => undefined);
    if (found === undefined) unknown.push(line);
  }
  return unknown;
}

/** @param text what the configuration has beside its repository, and its components where they are not uploads */
export async function configure(place: Workplace, text: string): Promise<void> {
  const components = text.includes('components:') ? '' : '\ncomponents: { uploads: { files: ./uploads } }';
  await writeFile(place.path('holdfast.yaml'), `application: shop\nrepositories: { local: { url: ./backups } }${components}\n${text}\n`);
}

export function portOf(server: { address(): AddressInfo | string | null }): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a port was expected');
  return address.port;
}

/** Takes connections and says nothing. */
export async function startSilentServer(): Promise<{ readonly port: number; stop(): void }> {
  const open = new Set<Socket>();
  const server = createServer((socket) => void open.add(socket));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    port: portOf(server),
    stop: () => {
      for (const socket of open) socket.destroy();
      server.close();
    },
  };
}
