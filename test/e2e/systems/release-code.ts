/** An example's code in git: released to a repository that outlives the machine, as on a server elsewhere. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runProgram } from './run-program.ts';

/** Makes the folder a work tree at v1.2.3, with everything but `ignored` in it, and pushes it to a new repository. */
export async function releaseCode(folder: string, remote: string, ignored: readonly string[]): Promise<void> {
  await writeFile(join(folder, '.gitignore'), `${ignored.join('\n')}\n`);
  await git(folder, 'init', '--quiet', '--initial-branch', 'main');
  await git(folder, 'add', '.');
  await git(folder, 'commit', '--quiet', '--message', 'Version 1.2.3');
  await git(folder, 'tag', 'v1.2.3');
  await git(folder, 'init', '--quiet', '--bare', remote);
  await git(folder, 'remote', 'add', 'origin', remote);
  await git(folder, 'push', '--quiet', '--tags', 'origin', 'main');
}

/** The commit, its tag, where it comes from, and what differs from it. */
export async function describeCode(folder: string): Promise<string> {
  const words = [
    ['rev-parse', 'HEAD'],
    ['describe', '--tags'],
    ['remote', 'get-url', 'origin'],
    ['status', '--short'],
  ];
  const said: string[] = [];
  for (const each of words) said.push(await git(folder, ...each));
  return said.join('');
}

async function git(folder: string, ...words: string[]): Promise<string> {
  const who = ['-c', 'user.name=Test', '-c', 'user.email=test@example.org'];
  const result = await runProgram('git', [...who, ...words], { cwd: folder, env: { PATH: process.env['PATH'] ?? '', HOME: folder } });
  if (result.status !== 0) throw new Error(`git ${words.join(' ')} failed: ${result.stderr}`);
  return result.stdout;
}
