/** Extended attributes and access control lists, on files, folders and links. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { joinBytes } from './byte-paths.ts';
import type { TreeInProgress } from './make-tree.ts';
import { runOnPaths } from './run-on-paths.ts';

/* Version 2 of the kernel's structure: effective, permitted cap_net_bind_service. */
const capability = '0x0100000200040000000000000000000000000000';

/** Makes `attributes/`. */
export function setAttributes({ folder, root, attempt }: TreeInProgress): void {
  const parent = `${folder}/attributes`;
  mkdirSync(`${parent}/folder`, { recursive: true });
  mkdirSync(`${parent}/default-list`);
  for (const name of ['several', 'binary', 'listed', 'capable', 'none']) writeFileSync(`${parent}/${name}`, `${name}\n`);
  symlinkSync('several', `${parent}/link`);
  const set = (file: string | Buffer, name: string, value: string): void =>
    attempt(`attribute ${name}`, () => void runOnPaths(['setfattr', '-h', '-n', name, '-v', value], [joinBytes(parent, file)]));
  set('several', 'user.comment', '"a comment"');
  set('several', 'user.mime_type', 'text/plain');
  set('several', 'user.empty', '""');
  set('several', 'user.größe', '0xc3a4');
  set('binary', 'user.binary', '0x00ff0a0d80fe00');
  set('binary', 'user.long', `0x${'a5'.repeat(2000)}`);
  set('folder', 'user.comment', '"of a folder"');
  for (const name of [Buffer.from('bytes-\xff', 'latin1'), Buffer.from('line\nbreak'), Buffer.from('back\\101'), Buffer.from('größe')]) {
    writeFileSync(joinBytes(parent, name), 'an awkward name\n');
    set(name, 'user.comment', '0xff');
  }
  const grant = (words: readonly string[], name: string): void =>
    attempt(`access control list on ${name}`, () => void runOnPaths(['setfacl', ...words], [joinBytes(parent, name)]));
  grant(['-m', 'u:12345:rwx,g:54321:r--,m::rwx'], 'listed');
  grant(['-d', '-m', 'u:12345:rx'], 'default-list');
  grant(['-m', 'g:54321:rx'], 'folder');
  if (!root) return;
  set('several', 'trusted.note', '"for root"');
  set('link', 'trusted.note', '"of a link"');
  set('capable', 'security.capability', capability);
}
