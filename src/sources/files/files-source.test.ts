import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { expect, test } from 'vitest';
import type { HoldfastEvent } from '../../events.ts';
import { createFilesSource } from './files-source.ts';

test('roots become absolute, missing ones are problems, and nothing at all is a failure', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-files-'));
  const events: HoldfastEvent[] = [];
  const context = { events: (event: HoldfastEvent) => void events.push(event), signal: new AbortController().signal };
  try {
    const file = join(folder, 'file');
    const dangling = join(folder, 'dangling');
    const absent = join(folder, 'absent');
    await writeFile(file, 'x');
    await symlink('nowhere', dangling);
    const source = createFilesSource({
      component: 'uploads',
      roots: [relative('.', file), file, dangling, absent, join(file, 'below')],
      select: { excludeCaches: true },
    });
    expect(await source.capture(context)).toEqual({ shape: 'tree', roots: [file, dangling], select: { excludeCaches: true } });
    expect(events).toEqual([
      { type: 'problem', path: absent, reason: 'it does not exist' },
      { type: 'problem', path: join(file, 'below'), reason: 'it does not exist' },
    ]);
    await expect(createFilesSource({ component: 'uploads', roots: [absent] }).capture(context)).rejects.toMatchObject({
      code: 'source-unreadable',
    });
    expect(() => createFilesSource({ component: 'uploads', roots: [] })).toThrow('nothing was named');
  } finally {
    await rm(folder, { recursive: true });
  }
});
