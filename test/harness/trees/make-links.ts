/** Symbolic links to everything and nothing, and hard links across folders. */
import { linkSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { joinBytes } from './byte-paths.ts';
import type { TreeInProgress } from './make-tree.ts';

/** Makes `links/`. */
export function makeLinks({ folder, seed, attempt }: TreeInProgress): void {
  const parent = `${folder}/links`;
  mkdirSync(`${parent}/other/folder`, { recursive: true });
  writeFileSync(`${parent}/target`, `what the links of ${seed} name\n`);
  const targets: Readonly<Record<string, string | Buffer>> = {
    'to-file': 'target',
    'to-folder': 'other',
    'to-parent': '..',
    'with-dots': './other/../target',
    'dangling': 'nothing/here',
    'absolute': '/etc/hostname',
    'absolute-dangling': '/nonexistent/target',
    'to-itself': 'to-itself',
    'to-bytes': Buffer.from('caf\xe9/\xff', 'latin1'),
    'to-newline': 'a\nb',
    'to-long': `${'long/'.repeat(300)}end`,
    'trailing-slash': 'other/',
  };
  for (const [name, target] of Object.entries(targets)) {
    attempt(`symbolic link ${name}`, () => symlinkSync(target, joinBytes(parent, name)));
  }
  attempt('hard links', () => {
    writeFileSync(`${parent}/hard-one`, `one file, three names, ${seed}\n`);
    linkSync(`${parent}/hard-one`, `${parent}/hard-two`);
    linkSync(`${parent}/hard-one`, `${parent}/other/folder/hard-three`);
    writeFileSync(`${parent}/other/hard-pair-b`, 'two names\n');
    linkSync(`${parent}/other/hard-pair-b`, `${parent}/hard-pair-a`);
    writeFileSync(`${parent}/not-linked`, 'two names\n');
  });
}
