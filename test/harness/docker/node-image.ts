/** An image as the official ones of Node are: Debian with Node 24 and npm. Images that a Dockerfile describes are built from it, where nothing can be pulled. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fetchPackage } from '../stores/fetched-package.ts';
import { baseImageFile, makeRootFile } from './base-image.ts';
import type { TestDocker } from './docker.ts';

const npm = { name: 'npm', version: '11.21.2', asOf: '2026-11-01', size: '3 MB' };
const recipe = 1;

/* The authorities that this machine trusts: npm's registry may be reached through one of its own. */
const authorities = '/etc/ssl/certs/ca-certificates.crt';
const authoritiesInside = '/usr/local/share/authorities.crt';

/** Makes the root file system where it is not there yet: half a minute, once a machine. */
export async function makeNodeRoot(): Promise<string> {
  const file = join(dirname(baseImageFile()), `node-image-${recipe}-${process.versions.node}.tar`);
  if (existsSync(file)) return file;
  const modules = join(await fetchPackage(npm), 'node_modules', npm.name);
  const more = [
    'mkdir -p "$root/usr/local/lib/node_modules"',
    `install -m 755 "${process.execPath}" "$root/usr/local/bin/node"`,
    `cp -r "${modules}" "$root/usr/local/lib/node_modules/npm"`,
    'ln -s ../lib/node_modules/npm/bin/npm-cli.js "$root/usr/local/bin/npm"',
    'chmod 755 "$root/usr/local/lib/node_modules/npm/bin/npm-cli.js"',
    `if test -e ${authorities}; then cp ${authorities} "$root${authoritiesInside}"; else : >"$root${authoritiesInside}"; fi`,
  ];
  const leftOut = ['./usr/share/doc', './usr/share/man', './usr/share/locale', './var/cache/apt', './var/lib/apt/lists'];
  return makeRootFile({ file, packages: [], leftOut, more });
}

/** The name of the image, imported where the engine does not have it yet. */
export async function makeNodeImage(docker: TestDocker): Promise<string> {
  const name = `holdfast-test/node:${process.versions.node}`;
  if ((await docker.docker(['image', 'ls', '-q', name])).trim() !== '') return name;
  const environment = ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', `NODE_EXTRA_CA_CERTS=${authoritiesInside}`];
  await docker.docker(['import', ...environment.flatMap((line) => ['--change', `ENV ${line}`]), await makeNodeRoot(), name]);
  return name;
}
