/** Caches, logs, code, and the point's own records. */
import type { ArchiveItem, Recipe } from './archive-item.ts';
import { shellWord } from '../../util/shell-word.ts';
import type { PlannedComponent } from './plan-items.ts';
import { configurationPath, manifestPath, variablesPath } from '../application/application-manifest.ts';
import { readCapturedCode, bundlePath, codeManifestPath, patchPath, type CodeManifest } from '../../sources/code/code-manifest.ts';
import { readRedisManifest, snapshotPath } from '../../sources/redis/redis-manifest.ts';
import { readAll } from '../../sources/config/config-manifest.ts';
import { blankFile } from './plan-config.ts';
import { listTarEntries } from './snapshot-entries.ts';
import { heldBytes, storedFile } from './stored-file.ts';

/** The snapshot as a server reads it. Throws `redis-capture-missing`, `damaged`. */
export async function planRedis({ component, tree, stem }: PlannedComponent): Promise<ArchiveItem[]> {
  const { server, takenAt, snapshot } = await readRedisManifest(tree);
  const content = await storedFile(tree, snapshotPath);
  const dbFile = shellWord(server.dbFileName ?? 'dump.rdb');
  const recipe: Recipe = {
    title: `data of ${server.product} ${server.version}, as of ${takenAt}`,
    notes: [
      `Stop the server first. REDIS_DATA is its folder (the setting "dir", often /var/lib/redis).`,
      ...(server.appendOnly
        ? [
            'It kept an append-only file, which a server reads instead: start it with --appendonly no, then run: redis-cli config set appendonly yes',
          ]
        : []),
    ],
    commands: ({ read }) => ['mkdir -p "$REDIS_DATA"', `${read} > "$REDIS_DATA"/${dbFile}`],
  };
  const facts = { server: `${server.product} ${server.version}`, taken_at: takenAt, rdb_version: snapshot.version };
  return [{ component, kind: 'redis', name: `${stem}.rdb`, size: content.size, content, compressed: false, recipe, facts }];
}

/** One service's as text, those of several as a folder. */
export async function planLogs(component: PlannedComponent): Promise<ArchiveItem[]> {
  const { tree, stem, bytes } = component;
  const paths: string[] = [];
  for await (const { path } of tree.list('/logs')) paths.push(path);
  const [only] = paths;
  if (only === undefined) return [];
  const about = { component: component.component, kind: 'logs', compressed: true } as const;
  if (paths.length === 1) {
    const content = await storedFile(tree, only);
    const recipe: Recipe = { title: 'logs of the services', notes: [], commands: ({ read }) => [`${read} | tail -n 20`] };
    return [{ ...about, name: `${stem}.txt`, size: content.size, content, recipe, compressed: false }];
  }
  const folder = `"$TARGET"/${shellWord(stem)}`;
  return [
    {
      ...about,
      name: stem,
      size: bytes,
      content: { shape: 'folder', entries: () => listTarEntries({ ...component, roots: ['/logs'], base: '/logs' }) },
      recipe: { title: 'logs of the services', notes: [], commands: ({ unpack }) => [`mkdir -p ${folder}`, ...unpack(folder)] },
    },
  ];
}

/** Which commit, and what no remote had. Throws `code-capture-missing`, `damaged`. */
export async function planCode({ component, tree, stem }: PlannedComponent): Promise<ArchiveItem[]> {
  const { manifest, patch, bundle } = await readCapturedCode(tree);
  const about = { component, kind: 'code', compressed: false } as const;
  const folder = `"$TARGET"/${shellWord(stem)}`;
  const quiet = (title: string, commands: Recipe['commands'], notes: readonly string[] = []): Recipe => ({ title, notes, commands });
  const record = await storedFile(tree, codeManifestPath);
  const items: ArchiveItem[] = [];
  if (bundle) {
    const content = await storedFile(tree, bundlePath);
    const recipe = quiet('commits that no remote had', ({ read }) => [`${read} > "$TARGET"/unpushed.bundle`]);
    items.push({ ...about, name: `${stem}-unpushed.bundle`, size: content.size, content, recipe });
  }
  items.push({ ...about, name: `${stem}.json`, size: record.size, content: record, recipe: checkOut(manifest, folder, bundle) });
  if (patch) {
    const content = await storedFile(tree, patchPath);
    const recipe = quiet('changes to the code that were not committed', ({ read }) => [
      `${read} | git -C ${folder} apply --whitespace=nowarn`,
    ]);
    items.push({ ...about, name: `${stem}-changes.patch`, size: content.size, content, recipe });
  }
  return items;
}

function checkOut({ remotes, commit, tag, branch }: CodeManifest, folder: string, bundle: boolean): Recipe {
  const origin = remotes.find(({ name }) => name === 'origin') ?? remotes[0];
  const fetch = bundle ? [`git -C ${folder} fetch --quiet "$TARGET"/unpushed.bundle '+refs/*:refs/unpushed/*'`] : [];
  return {
    title: `code at ${tag ?? branch ?? commit.slice(0, 12)}, commit ${commit}`,
    notes: ['The archive holds which commit it was, not the code itself: that comes from where it is kept.'],
    commands: () => [
      origin === undefined ? `git init --quiet ${folder}` : `git clone --quiet ${shellWord(origin.url)} ${folder}`,
      ...fetch,
      `git -C ${folder} checkout --quiet ${shellWord(commit)}`,
    ],
  };
}

/** The point's manifest, the configuration, and (only where it is encrypted) the variables that it refers to. */
export async function planPoint({ tree, withSecrets }: PlannedComponent, time: Date): Promise<ArchiveItem[]> {
  const about = { kind: 'point', compressed: false } as const;
  const show = (title: string): Recipe => ({ title, notes: [], commands: ({ read }) => [`${read} > /dev/null`] });
  const manifest = await storedFile(tree, manifestPath);
  const text = await readAll(tree, configurationPath, largestConfiguration);
  const configuration = heldBytes(withSecrets ? text : blankFile('holdfast.yaml', text), time);
  const items: ArchiveItem[] = [
    { ...about, name: 'point.json', size: manifest.size, content: manifest, recipe: show("the recovery point's own manifest") },
    { ...about, name: 'holdfast.yaml', size: configuration.size, content: configuration, recipe: show('the configuration of holdfast') },
  ];
  if (!withSecrets) return items;
  const variables = await storedFile(tree, variablesPath);
  return [
    ...items,
    { ...about, name: 'variables.json', size: variables.size, content: variables, recipe: show('variables that it refers to') },
  ];
}

const largestConfiguration = 16 * 1024 * 1024;
