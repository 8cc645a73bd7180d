import { link, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { linkIfAbsent } from './link-if-absent.ts';

/* As exFAT answers. */
const noHardLinks: typeof link = async () => {
  throw Object.assign(new Error('operation not permitted'), { code: 'EPERM' });
};

describe.each([
  ['hard links', link],
  ['no hard links', noHardLinks],
])('linkIfAbsent with %s', (_, hardLink) => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'holdfast-link-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('gives the name to exactly one of eight', async () => {
    const target = join(folder, 'target');
    const drafts = Array.from({ length: 8 }, (_unused, index) => join(folder, `draft-${index}`));
    await Promise.all(drafts.map((draft) => writeFile(draft, draft)));
    const results = await Promise.allSettled(drafts.map((draft) => linkIfAbsent(draft, target, folder, hardLink)));
    const winners = drafts.filter((_draft, index) => results[index]?.status === 'fulfilled');
    expect(winners).toEqual([await readFile(target, 'utf8')]);
    for (const result of results) if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'EEXIST' });
    expect((await readdir(folder)).filter((name) => name.startsWith('claim-'))).toEqual([]);
  });
});
