/** Brings code back: the commit from a remote or from the bundle, and what had been changed on top. */
import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, readdir, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { HoldfastError, reasonOf } from '../../errors.ts';
import type { CaptureContext, CapturedTree, RestoreOutcome } from '../source.ts';
import { type CapturedCode, type CodeManifest, bundlePath, patchPath, readCapturedCode } from './code-manifest.ts';
import { openWorkTree } from './inspect-code.ts';
import { withoutCredentials } from './remote-url.ts';
import { type Git, openGit } from './run-git.ts';

export interface CodeRestoreRequest {
  /** An empty or absent folder, or an existing clone without changes of its own; absent: the folder of the source. */
  readonly folder?: string;
  /** Another address to fetch from, before those that were saved: a mirror, or one with credentials. It is not kept. */
  readonly remote?: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Checks out the saved commit (on its branch, where that does not exist yet or is at that commit already) and applies the saved changes. What lies
 * in the folder is never overwritten. Throws `code-capture-missing`, `git-restore-refused`, `git-failed`, `git-missing`, `damaged`, `interrupted`.
 */
export async function restoreCode(
  from: CapturedTree,
  request: CodeRestoreRequest & { readonly folder: string },
  environment: Environment,
  context: CaptureContext,
): Promise<RestoreOutcome> {
  const captured = await readCapturedCode(from);
  const { manifest } = captured;
  const { folder } = request;
  const git = await prepareFolder(folder, manifest, environment, context.signal);
  await bringCommit(git, from, captured, request);
  await git.run(['checkout', '--quiet', '--detach', manifest.commit, '--']);
  const branch = await checkOutBranch(git, manifest);
  if (manifest.branch !== undefined && branch === undefined)
    context.events({
      type: 'notice',
      message: `The branch ${manifest.branch} in ${folder} is at another commit: it was left there, and the saved commit is checked out without a branch.`,
    });
  if (captured.patch) await git.run(['apply', '--binary', '--whitespace=nowarn', '-'], from.read(patchPath));
  if (manifest.untracked.length > 0)
    context.events({
      type: 'notice',
      message: `${manifest.untracked.length} untracked files were not saved with the code: ${manifest.untracked.slice(0, 10).join(', ')}${manifest.untracked.length > 10 ? ', …' : ''}`,
    });
  if (manifest.submodules.length > 0)
    context.events({
      type: 'notice',
      message: `${folder} has submodules (${manifest.submodules.map(({ path }) => path).join(', ')}): bring them with: git submodule update --init --recursive`,
    });
  return {
    facts: {
      folder,
      commit: manifest.commit,
      ...(branch === undefined ? {} : { branch }),
      changed: manifest.changed.length,
      untracked: manifest.untracked.length,
      submodules: manifest.submodules.length,
    },
  };
}

/** A new repository with the saved remotes, or the clone that is there. Throws `git-restore-refused`. */
async function prepareFolder(folder: string, manifest: CodeManifest, environment: Environment, signal: AbortSignal): Promise<Git> {
  let there: string[];
  try {
    await mkdir(folder, { recursive: true });
    there = await readdir(folder);
  } catch (error) {
    throw new HoldfastError('target-unusable', { path: folder, reason: reasonOf(error) }, error);
  }
  const place = { folder, environment, signal };
  const git = openGit(place);
  if (there.length === 0) {
    await git.run(['init', '--quiet', ...(manifest.commit.length === 64 ? ['--object-format=sha256'] : [])]);
    for (const { name, url } of manifest.remotes) await git.run(['remote', 'add', '--', name, url]);
    return git;
  }
  const refuse = (reason: string): HoldfastError => new HoldfastError('git-restore-refused', { path: folder, reason });
  const { top } = await openWorkTree(place).catch((error: unknown) => {
    if (error instanceof HoldfastError && error.code === 'git-not-a-work-tree') throw refuse('it holds files and is not a git clone');
    throw error;
  });
  if ((await realpath(top)) !== (await realpath(folder))) throw refuse(`it lies within the git work tree ${top}`);
  const changes = (await git.run(['status', '--porcelain', '--untracked-files=no', '--ignore-submodules=all']))
    .split('\n')
    .filter((line) => line !== '');
  if (changes.length > 0)
    throw refuse(`it has ${changes.length} changes of its own that are not committed (${changes[0]?.slice(3) ?? ''}…)`);
  return git;
}

/** Looks where the commit is to be had: here already, on a remote, in the bundle. Throws `git-failed`. */
async function bringCommit(git: Git, from: CapturedTree, captured: CapturedCode, request: CodeRestoreRequest): Promise<void> {
  const { commit, remotes } = captured.manifest;
  const isHere = async (): Promise<boolean> => (await git.ask(['cat-file', '-e', `${commit}^{commit}`])) !== undefined;
  if (await isHere()) return;
  const failures: string[] = [];
  const tryTo = async (...args: readonly string[]): Promise<void> => {
    try {
      await git.run(args);
    } catch (error) {
      if (!(error instanceof HoldfastError) || error.code !== 'git-failed') throw error;
      failures.push(String(error.details['reason']));
    }
  };
  const known = ((await git.ask(['remote'])) ?? '').split('\n').filter((name) => name !== '');
  const places = [
    ...(request.remote === undefined ? [] : [request.remote]),
    ...known,
    ...remotes.map(({ url }) => url).filter(isRemoteAddress),
  ];
  for (const place of new Set(places)) {
    const isNamed = known.includes(place);
    await tryTo('fetch', '--quiet', '--tags', '--', place, ...(isNamed ? [] : ['+refs/heads/*:refs/holdfast/remote/*']));
    if (await isHere()) return;
    /* No branch has it any more; some servers still give it by its name. */
    if (!captured.bundle) await tryTo('fetch', '--quiet', '--', place, commit);
    if (await isHere()) return;
  }
  if (captured.bundle) await fetchBundle(git, from);
  if (await isHere()) return;
  const tried = places.length === 0 ? 'it has no remote' : `asked ${places.map(withoutCredentials).join(', ')}`;
  throw new HoldfastError('git-failed', {
    action: `find the commit ${commit.slice(0, 12)}`,
    reason: [tried, ...failures.slice(-2)].join('; '),
  });
}

/** Its branches and tags lie below refs/holdfast/bundle afterwards, so that git keeps them and nothing that is here is moved. */
async function fetchBundle(git: Git, from: CapturedTree): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-bundle-'));
  try {
    const file = join(folder, 'unpushed.bundle');
    await pipeline(from.read(bundlePath), createWriteStream(file, { mode: 0o600 }));
    await git.run(['bundle', 'verify', '--quiet', file]);
    await git.run(['fetch', '--quiet', '--no-tags', '--', file, '+refs/*:refs/holdfast/bundle/*', '+HEAD:refs/holdfast/bundle/HEAD']);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The branch's name, or undefined where it is elsewhere. An existing branch is never moved. */
async function checkOutBranch(git: Git, { branch, commit, remotes }: CodeManifest): Promise<string | undefined> {
  if (branch === undefined) return undefined;
  const at = await git.ask(['rev-parse', '--verify', '--quiet', `refs/heads/${branch}^{commit}`]);
  if (at !== undefined && at !== commit) return undefined;
  await git.run(at === undefined ? ['checkout', '--quiet', '-b', branch] : ['checkout', '--quiet', branch, '--']);
  const [remote] = remotes;
  /* As a clone would have it, where the remote has the branch. */
  if (at === undefined && remote !== undefined) await git.ask(['branch', '--quiet', `--set-upstream-to=${remote.name}/${branch}`]);
  return branch;
}

/** An option, or a transport that runs commands, is no address. */
function isRemoteAddress(url: string): boolean {
  return !url.startsWith('-') && !/^[\w-]+::/.test(url);
}
