/** `holdfast init`: from a folder to a configuration, a repository and a recovery kit. */
import { randomBytes } from 'node:crypto';
import { appendFileSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { isAbsolute, join, relative, resolve } from 'node:path';
import { parseConfiguration } from '../../config/parse-configuration.ts';
import { HoldfastError, isError, reasonOf } from '../../errors.ts';
import type { Clock } from '../../util/clock.ts';
import type { Repository } from '../../engine/repository.ts';
import type { Storage } from '../../storage/storage.ts';
import { completeAddress } from '../../storage/restic-address.ts';
import { createSession, openSession } from '../open-session.ts';
import { lookAround } from './look-around.ts';
import { kitFile as kitName, writeRecoveryKit } from './recovery-kit.ts';
import { quote } from './quote-yaml.ts';
import { writeConfiguration, type WrittenConfiguration } from './write-configuration.ts';

export interface InitRequest {
  /** Absolute. */
  readonly folder: string;
  /** Absolute path or a URL; `backups` in the folder unless given. */
  readonly repository?: string;
  /** What only it says of the repository's place is written down. */
  readonly environment: NodeJS.ProcessEnv;
  /** A password that is there already, and how the configuration should name it; a new one is made where there is none. */
  readonly password?: GivenPassword;
  /** Put the password into the recovery kit. */
  readonly withPassword: boolean;
  /** Write the configuration and the kit anew where they are. */
  readonly force: boolean;
  readonly clock: Clock;
  /** Learns of the repository that is created. */
  readonly recording?: {
    readonly around: (storage: Storage) => Storage;
    readonly opened: (repository: Repository) => Promise<void>;
  };
}

export interface GivenPassword {
  readonly text: string;
  /** Absolute path of the file it came from. */
  readonly file?: string;
  readonly command?: string;
}

const configurationName = 'holdfast.yaml';
const passwordName = '.holdfast-password';

/** What `init` would write, and nothing is written. */
export function planInit(request: InitRequest): WrittenConfiguration {
  const { folder, password } = request;
  const file = password === undefined ? passwordName : password.file && placeIn(folder, password.file);
  const secret = file === undefined ? password?.command && `{ command: ${quoteCommand(password.command)} }` : `{ file: ${quote(file)} }`;
  const written = writeConfiguration(lookAround(folder), {
    address: request.repository === undefined ? './backups' : placeIn(folder, completeAddress(request.repository, request.environment)),
    ...(secret === undefined ? {} : { password: secret }),
  });
  /* What is written must be understood: whatever a folder holds. */
  const parsed = parseConfiguration(written.text, { file: join(folder, configurationName), environment: {}, unsetVariables: 'keep' });
  if ('problems' in parsed) {
    const [problem] = parsed.problems;
    throw new HoldfastError('internal', {
      reason: `the configuration written for ${folder} is wrong (${problem?.line}:${problem?.column}: ${problem?.message})`,
    });
  }
  return written;
}

export interface InitResult extends WrittenConfiguration {
  /** Absolute. */
  readonly file: string;
  readonly kit: string;
  readonly repository: string;
  readonly repositoryWasThere: boolean;
  /** Absolute path of the file with the new password. */
  readonly passwordFile?: string;
  /** What was added to .gitignore. */
  readonly ignored: readonly string[];
}

/**
 * Writes the password, creates the repository, writes the configuration and the kit, in this order: what is there is never without what it needs.
 *
 * @throws HoldfastError `init-exists` where a file is there already (without `force`), `password-missing` for a repository that is there and no
 * password, `password-wrong`, `init-unwritable`
 */
export async function initApplication(request: InitRequest): Promise<InitResult> {
  const { folder, force, clock } = request;
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true)
    throw new HoldfastError('init-unwritable', { file: folder, reason: 'it is no folder' });
  const plan = planInit(request);
  const [file, kit] = [join(folder, configurationName), join(folder, kitName)];
  const inTheWay = [file, kit].find((path) => existsSync(path));
  if (inTheWay !== undefined && !force) throw new HoldfastError('init-exists', { file: inTheWay });
  const repository = completeAddress(request.repository ?? join(folder, 'backups'), request.environment);
  const password = request.password ?? keptPassword(folder);
  const ownFile = request.password === undefined ? join(folder, passwordName) : undefined;
  const repositoryWasThere = await openExisting(repository, password?.text);
  const text = password?.text ?? randomBytes(32).toString('base64url');
  if (ownFile !== undefined && password === undefined) write(ownFile, `${text}\n`, { mode: 0o600, flag: 'wx' });
  const ignored = ignoreInGit(request, ownFile);
  if (!repositoryWasThere) {
    const { recording } = request;
    const around = recording === undefined ? {} : { around: (storage: Storage) => recording.around(storage) };
    const created = await createSession({ url: repository, password: () => Promise.resolve(text), ...around });
    await recording?.opened(created);
    await created.close();
  }
  const flag = force ? 'w' : 'wx';
  const kept = ownFile ?? request.password?.file;
  const facts = {
    application: plan.application,
    host: hostname(),
    made: clock.now(),
    repository,
    components: plan.components.filter(({ sure }) => sure).map(({ name, yaml }) => ({ name, kind: /^\{ (\w+)/.exec(yaml)?.[1] ?? '' })),
    password: {
      ...(kept === undefined ? {} : { file: kept }),
      ...(request.password?.command === undefined ? {} : { command: request.password.command }),
      ...(request.withPassword ? { text } : {}),
    },
  };
  write(kit, writeRecoveryKit(facts), { mode: request.withPassword ? 0o600 : 0o644, flag });
  write(file, plan.text, { mode: 0o644, flag });
  return { ...plan, file, kit, repository, repositoryWasThere, ignored, ...(ownFile === undefined ? {} : { passwordFile: ownFile }) };
}

/** Of an earlier `init`. */
function keptPassword(folder: string): GivenPassword | undefined {
  const file = join(folder, passwordName);
  if (!existsSync(file)) return undefined;
  const text = readFileSync(file, 'utf8').trim();
  if (text === '') throw new HoldfastError('password-source', { reason: `the file ${file} is empty` });
  return { text, file };
}

/** Whether there is a repository, which then opens with this password. */
async function openExisting(url: string, password: string | undefined): Promise<boolean> {
  const given = (): Promise<string> =>
    password === undefined ? Promise.reject(new HoldfastError('password-missing', { location: url })) : Promise.resolve(password);
  try {
    await (await openSession({ url, password: given })).close();
    return true;
  } catch (error) {
    if (isError(error, 'repository-missing')) return false;
    throw error;
  }
}

/** Neither the password nor the backups belong into git. */
function ignoreInGit({ folder, repository, withPassword }: InitRequest, passwordFile: string | undefined): string[] {
  const file = join(folder, '.gitignore');
  if (!existsSync(file) && !existsSync(join(folder, '.git'))) return [];
  const inside = placeIn(folder, repository ?? join(folder, 'backups'));
  const wanted = [
    ...(passwordFile === undefined ? [] : [`/${passwordName}`]),
    ...(inside.startsWith('./') ? [`${inside.slice(1)}/`] : []),
    ...(withPassword ? [`/${kitName}`] : []),
  ];
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const there = new Set(text.split(/\r?\n/).map((line) => line.trim().replace(/^\//, '').replace(/\/$/, '')));
  const added = wanted.filter((line) => !there.has(line.replace(/^\//, '').replace(/\/$/, '')));
  if (added.length === 0) return [];
  try {
    appendFileSync(file, `${text === '' || text.endsWith('\n') ? '' : '\n'}${added.join('\n')}\n`);
  } catch (error) {
    throw new HoldfastError('init-unwritable', { file, reason: reasonOf(error) }, error);
  }
  return added;
}

function write(file: string, text: string, options: { readonly mode: number; readonly flag: string }): void {
  try {
    writeFileSync(file, text, options);
  } catch (error) {
    throw new HoldfastError('init-unwritable', { file, reason: reasonOf(error) }, error);
  }
}

/** `./x` for what is inside the folder; anything else as it is. */
function placeIn(folder: string, path: string): string {
  if (!isAbsolute(path)) return path;
  const inside = relative(folder, resolve(path));
  return inside === '' || inside.startsWith('..') ? path : `./${inside}`;
}

/* Commands are left to the shell, with their dollar signs. */
function quoteCommand(command: string): string {
  return JSON.stringify(command);
}
