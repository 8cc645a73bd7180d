/** Images with a server of any version: the base image's root file system with that server in it. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { findServer } from '../postgres/server-versions.ts';
import { makeBaseImage } from './base-image.ts';
import { baseImage, type TestDocker } from './docker.ts';

/** The name of an image that has `/usr/lib/postgresql/VERSION`; made where the engine does not have it yet, in some seconds. */
export async function makeServerImage(docker: TestDocker, version: number): Promise<string> {
  if (version === 15) return baseImage;
  const name = `holdfast-test/postgres:${version}`;
  if ((await docker.docker(['image', 'ls', '-q', name])).trim() !== '') return name;
  const { folder } = await findServer(version);
  const work = mkdtempSync(join(tmpdir(), 'holdfast-image-'));
  try {
    const tar = join(work, 'root.tar');
    copyFileSync(await makeBaseImage(), tar);
    const place = `--transform=flags=rSH;s,^\\.,./usr/lib/postgresql/${version},`;
    execFileSync('tar', ['--append', `--file=${tar}`, '--owner=0', '--group=0', place, '-C', dirname(folder), '.'], { stdio: 'pipe' });
    await docker.docker(['import', tar, name]);
    return name;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
