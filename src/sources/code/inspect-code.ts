/** What a git work tree is at: read from git, nothing is changed. */
import { lstat } from 'node:fs/promises';
import { HoldfastError, reasonOf } from '../../errors.ts';
import type { CodeManifest } from './code-manifest.ts';
import { withoutCredentials } from './remote-url.ts';
import { type Git, type GitPlace, openGit } from './run-git.ts';

export interface InspectedCode {
  /** Git in the folder at the top of the work tree. */
  readonly git: Git;
  readonly top: string;
  readonly manifest: CodeManifest;
}

/** Only what is not on a remote: commits of the checked-out one, of branches, tags and the stash. */
export const unpushedRevisions = ['HEAD', '--branches', '--tags', '--not', '--remotes'];

/** Differences to the commit, in a form that git itself can apply wherever it is configured otherwise. Submodules are noted and not compared. */
export const diffOptions = ['--no-ext-diff', '--no-textconv', '--ignore-submodules=all', '--src-prefix=a/', '--dst-prefix=b/'];

/** Throws `git-not-a-work-tree`, `git-failed`, `git-missing`, `interrupted`. */
export async function inspectCode(place: GitPlace): Promise<InspectedCode> {
  const { top, git } = await openWorkTree(place);
  const commit = await git.ask(['rev-parse', '--verify', '--quiet', 'HEAD^{commit}']);
  if (commit === undefined) throw new HoldfastError('git-not-a-work-tree', { path: place.folder, reason: 'it has no commit yet' });
  // Each is a process that waits more than it works.
  const [branch, tag, prefix, remotes, committedAt, changed, untracked, unpushed, submodules, shallow] = await Promise.all([
    git.ask(['symbolic-ref', '--quiet', '--short', 'HEAD']),
    git.ask(['describe', '--tags', '--always']),
    openGit(place).run(['rev-parse', '--show-prefix']),
    readRemotes(git),
    git.run(['show', '--no-patch', '--format=%cI', 'HEAD']),
    git.run(['diff', 'HEAD', '--name-only', '-z', ...diffOptions]),
    git.run(['ls-files', '--others', '--exclude-standard', '-z']),
    git.run(['rev-list', '--count', ...unpushedRevisions]),
    readSubmodules(git),
    git.run(['rev-parse', '--is-shallow-repository']),
  ]);
  const manifest: CodeManifest = {
    format: 1,
    remotes,
    commit,
    committedAt: committedAt.trim(),
    ...(branch === undefined ? {} : { branch }),
    ...(tag === undefined ? {} : { tag }),
    subfolder: prefix.trim().replace(/\/$/, ''),
    changed: splitNames(changed),
    untracked: splitNames(untracked),
    unpushed: Number(unpushed),
    submodules,
    shallow: shallow.trim() === 'true',
  };
  return { git, top, manifest };
}

/** The work tree a folder lies in. Throws `git-not-a-work-tree`. */
export async function openWorkTree(place: GitPlace): Promise<{ readonly top: string; readonly git: Git }> {
  const { folder } = place;
  try {
    if (!(await lstat(folder)).isDirectory()) throw new Error('it is not a folder');
  } catch (error) {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    throw new HoldfastError('git-not-a-work-tree', { path: folder, reason: isMissing ? 'it does not exist' : reasonOf(error) }, error);
  }
  try {
    const top = (await openGit(place).run(['rev-parse', '--show-toplevel'])).replace(/\r?\n$/, '');
    return { top, git: openGit({ ...place, folder: top }) };
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code !== 'git-failed') throw error;
    throw new HoldfastError('git-not-a-work-tree', { path: folder, reason: String(error.details['reason']) }, error);
  }
}

async function readRemotes(git: Git): Promise<CodeManifest['remotes']> {
  const settings = (await git.ask(['config', '-z', '--get-regexp', String.raw`^remote\..*\.url$`])) ?? '';
  const remotes = new Map<string, string>();
  for (const setting of splitNames(settings)) {
    const [key = '', url = ''] = setting.split('\n');
    const name = key.slice('remote.'.length, -'.url'.length);
    /* Of several addresses the first is fetched from. */
    if (/^[A-Za-z0-9_][\w./-]{0,200}$/.test(name) && !remotes.has(name)) remotes.set(name, withoutCredentials(url));
  }
  return [...remotes].map(([name, url]) => ({ name, url }));
}

async function readSubmodules(git: Git): Promise<CodeManifest['submodules']> {
  const tree = splitNames(await git.run(['ls-files', '--stage', '-z']));
  const links = tree.flatMap((line) => {
    const match = /^160000 ([0-9a-f]+) \d\t([\s\S]+)$/.exec(line);
    return match?.[1] === undefined || match[2] === undefined ? [] : [{ commit: match[1], path: match[2] }];
  });
  if (links.length === 0) return [];
  const settings = splitNames(
    (await git.ask(['config', '-z', '--file', '.gitmodules', '--get-regexp', String.raw`^submodule\..*\.(path|url)$`])) ?? '',
  );
  const fields = new Map(settings.map((setting) => [setting.slice(0, setting.indexOf('\n')), setting.slice(setting.indexOf('\n') + 1)]));
  const urls = new Map<string, string>();
  for (const [key, path] of fields) {
    const url = key.endsWith('.path') ? fields.get(key.replace(/\.path$/, '.url')) : undefined;
    if (url !== undefined) urls.set(path, withoutCredentials(url));
  }
  return links.map(({ path, commit }) => {
    const url = urls.get(path);
    return { path, commit, ...(url === undefined ? {} : { url }) };
  });
}

function splitNames(output: string): string[] {
  return output.split('\0').filter((name) => name !== '');
}
