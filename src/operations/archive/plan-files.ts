/** Files, volumes and configuration as tars. */
import { findNode } from '../../engine/browse/list-nodes.ts';
import type { ArchiveItem, Recipe } from './archive-item.ts';
import { shellWord } from '../../util/shell-word.ts';
import { fileWord } from './file-word.ts';
import type { PlannedComponent } from './plan-items.ts';
import { listTarEntries } from './snapshot-entries.ts';

/** One tar of all paths of a component. */
export async function planFiles(component: PlannedComponent): Promise<ArchiveItem[]> {
  const roots = component.snapshot.snapshot.paths;
  const [only] = roots;
  const base = roots.length === 1 && only !== undefined && (await isFolder(component, only)) ? only : commonParent(roots);
  return [folderItem(component, { name: component.stem, roots, base, size: component.bytes })];
}

/** A tar for each volume. */
export async function planVolumes(component: PlannedComponent): Promise<ArchiveItem[]> {
  const roots = component.snapshot.snapshot.paths;
  return roots.map((root) => {
    const volume = volumeOf(root);
    const name = roots.length === 1 ? component.stem : `${component.stem}-${fileWord(volume ?? root)}`;
    return folderItem(component, { name, roots: [root], base: root, size: roots.length === 1 ? component.bytes : 0 });
  });
}

interface FolderRequest {
  readonly name: string;
  readonly roots: readonly string[];
  readonly base: string;
  readonly size: number;
}

function folderItem(component: PlannedComponent, { name, roots, base, size }: FolderRequest): ArchiveItem {
  return {
    component: component.component,
    kind: component.snapshot.tags.kind,
    name,
    size,
    content: { shape: 'folder', entries: () => listTarEntries({ ...component, roots, base }) },
    compressed: true,
    recipe: recipeOf(component, name, base),
    facts: { was: base, files: component.snapshot.snapshot.summary?.total_files_processed },
  };
}

function recipeOf({ component, snapshot }: PlannedComponent, name: string, base: string): Recipe {
  const volume = volumeOf(base);
  const kind = snapshot.tags.kind;
  const where =
    volume === undefined
      ? `Where it was: ${base}. To put it back there, say ${shellWord(base)} instead of "$TARGET"/${shellWord(name)}, as root for owners.`
      : `It was the Docker volume ${volume}. To put it back there: docker volume create ${shellWord(volume)}, and say "$(docker volume inspect --format '{{.Mountpoint}}' ${shellWord(volume)})" instead of "$TARGET"/${shellWord(name)}, as root for owners.`;
  const what = volume === undefined ? (kind === 'config' ? 'configuration files' : `the files "${component}"`) : `the volume "${volume}"`;
  const folder = `"$TARGET"/${shellWord(name)}`;
  return { title: what, notes: [where], commands: ({ unpack }) => [`mkdir -p ${folder}`, ...unpack(folder)] };
}

/** Docker lays a volume of its own into `volumes/NAME/_data`, wherever its root is. */
function volumeOf(path: string): string | undefined {
  return /\/volumes\/([^/]+)\/_data$/.exec(path)?.[1];
}

async function isFolder({ repository, snapshot }: PlannedComponent, path: string): Promise<boolean> {
  const found = await findNode(repository, snapshot, path);
  return 'tree' in found || found.node.type === 'dir';
}

/** The deepest folder that all of them lie in. */
function commonParent(paths: readonly string[]): string {
  const folders = paths.map((path) => path.split('/').slice(0, -1));
  const [first = []] = folders;
  let depth = 0;
  while (depth < first.length && folders.every((names) => names[depth] === first[depth])) depth += 1;
  return first.slice(0, depth).join('/') || '/';
}
