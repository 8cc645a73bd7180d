/** The application's own code as a component: the commit, and what no remote has. */
import { createHash } from 'node:crypto';
import type { CaptureContext, RestorableSource, StreamEntry } from '../source.ts';
import { bundlePath, type CodeManifest, codeManifestPath, encodeCodeManifest, patchPath } from './code-manifest.ts';
import { diffOptions, inspectCode, unpushedRevisions } from './inspect-code.ts';
import { type CodeRestoreRequest, restoreCode } from './restore-code.ts';
import type { Git } from './run-git.ts';

export interface CodeSourceOptions {
  /** The component's name, such as `code`. */
  readonly component: string;
  /** Absolute path of a folder inside a git work tree. */
  readonly path: string;
  /** For git: PATH, HOME, SSH_AUTH_SOCK, proxies; those of this process when absent. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

/**
 * A capture holds `/code/code.json`; `/code/changes.patch` where tracked files differ from the commit; `/code/unpushed.bundle` where commits of
 * branches or tags are on no remote. Untracked files are listed and not saved, which a notice tells. Addresses are kept without credentials.
 */
export function createCodeSource({ component, path, environment = process.env }: CodeSourceOptions): RestorableSource<CodeRestoreRequest> {
  return {
    kind: 'code',
    component,
    async describe() {
      const { git, manifest, top } = await inspectCode({ folder: path, environment, signal: new AbortController().signal });
      const { commit, branch, tag, changed, untracked, unpushed, submodules, remotes } = manifest;
      return {
        kind: 'code',
        component,
        title: `code in ${top} at ${tag ?? commit.slice(0, 12)}`,
        facts: {
          commit,
          ...(branch === undefined ? {} : { branch }),
          ...(tag === undefined ? {} : { tag }),
          changed: changed.length,
          untracked: untracked.length,
          unpushed,
          submodules: submodules.length,
          fingerprint: await fingerprintCode(git, manifest),
          remotes: remotes.map(({ name, url }) => `${name} ${url}`).join(', '),
        },
      };
    },
    capture: (context) => Promise.resolve({ shape: 'streams', entries: captureCode(path, environment, context) }),
    restore: (from, request, context) => restoreCode(from, { folder: path, ...request }, environment, context),
  };
}

/** SHA-256 over what a capture would hold; the bundle is known by what it would be made of. */
async function fingerprintCode(git: Git, manifest: CodeManifest): Promise<string> {
  const hash = createHash('sha256').update(encodeCodeManifest(manifest));
  if (manifest.changed.length > 0) for await (const chunk of streamChanges(git, manifest)) hash.update(chunk);
  if (manifest.unpushed > 0) hash.update(await git.run(['for-each-ref', '--format=%(objectname) %(refname)']));
  return hash.digest('hex');
}

function streamChanges(git: Git, { commit }: CodeManifest): AsyncGenerator<Uint8Array, void, undefined> {
  return git.stream(['diff', commit, '--binary', '--full-index', '--no-color', ...diffOptions]);
}

async function* captureCode(
  folder: string,
  environment: Readonly<Record<string, string | undefined>>,
  { events, signal }: CaptureContext,
): AsyncGenerator<StreamEntry, void, undefined> {
  const { git, manifest } = await inspectCode({ folder, environment, signal });
  const { changed, untracked, unpushed, submodules } = manifest;
  const modified = new Date(manifest.committedAt);
  if (untracked.length > 0)
    events({
      type: 'notice',
      message: `${untracked.length} untracked files in ${folder} are listed and not saved; name them in a component of files if they matter.`,
    });
  if (submodules.length > 0)
    events({
      type: 'notice',
      message: `${submodules.length} submodules in ${folder} are noted by their commits; changes within them are not saved.`,
    });
  yield { path: codeManifestPath, modified, open: () => once(encodeCodeManifest(manifest)) };
  if (changed.length > 0)
    yield {
      path: patchPath,
      modified,
      open: () => streamChanges(git, manifest),
    };
  /* Nothing that is checked out, on a branch or tagged is to be found here only. */
  if (unpushed > 0)
    yield { path: bundlePath, modified, open: () => git.stream(['bundle', 'create', '--quiet', '-', ...unpushedRevisions]) };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes;
}
