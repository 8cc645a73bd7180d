/** Configuration files: whole where they will be encrypted, else as templates; and always `env-template.txt`, which holds no secret. */
import { HoldfastError } from '../../errors.ts';
import { chooseDialect } from '../../sources/config/template/choose-dialect.ts';
import { addTemplateNotice, blankSecrets } from '../../sources/config/template/blank-secrets.ts';
import { readAll, readConfigManifest, configFolder } from '../../sources/config/config-manifest.ts';
import { holdsTemplates } from '../application/holds-templates.ts';
import type { ArchiveItem } from './archive-item.ts';
import { planFiles } from './plan-files.ts';
import { shellWord } from '../../util/shell-word.ts';
import type { PlannedComponent } from './plan-items.ts';
import { listTarEntries } from './snapshot-entries.ts';
import { heldBytes } from './stored-file.ts';
import type { TarEntry } from './tar-stream.ts';

/** Larger ones are no settings. */
const largestText = 4 * 1024 * 1024;
const mostText = 64 * 1024 * 1024;

/** Throws `damaged`. */
export async function planConfig(component: PlannedComponent, time: Date): Promise<ArchiveItem[]> {
  const isTemplate = await holdsTemplates(component.repository, component.snapshot);
  const files = isTemplate ? await planTemplates(component) : await planFiles(component);
  const shown = isTemplate || component.withSecrets ? files : files.map(withoutSecrets);
  const template = await describeEnvironment(component, isTemplate);
  if (template === '') return shown;
  const content = heldBytes(template, time);
  const name = component.isOnly ? 'env-template.txt' : `${component.stem}-env-template.txt`;
  const recipe = {
    title: 'settings of the application, without secrets',
    notes: ['For reading, and for a first .env on a new machine: what is marked is to be filled in.'],
    commands: ({ read }: { readonly read: string }) => [`${read} > "$TARGET"/${name}`],
  };
  return [...shown, { component: component.component, kind: 'config', name, size: content.size, content, compressed: false, recipe }];
}

async function planTemplates(component: PlannedComponent): Promise<ArchiveItem[]> {
  const { folder } = await readConfigManifest(component.tree);
  const target = `"$TARGET"/${shellWord(component.stem)}`;
  return [
    {
      component: component.component,
      kind: 'config',
      name: component.stem,
      size: component.bytes,
      content: { shape: 'folder', entries: () => listTarEntries({ ...component, roots: [configFolder], base: configFolder }) },
      compressed: true,
      recipe: {
        title: 'configuration files, as templates without their secrets',
        notes: [`Where they were: ${folder}. What is marked is to be filled in.`],
        commands: ({ unpack }) => [`mkdir -p ${target}`, ...unpack(target)],
      },
      facts: { templates: true },
    },
  ];
}

/** The same files, each as its template. What cannot become one is left out. */
function withoutSecrets(item: ArchiveItem): ArchiveItem {
  const { content, recipe } = item;
  if (content.shape !== 'folder') return item;
  return {
    ...item,
    content: { shape: 'folder', entries: () => blankEntries(content.entries()) },
    recipe: {
      ...recipe,
      title: `${recipe.title}, as templates without their secrets`,
      notes: [...recipe.notes, 'This archive is not encrypted, so what may be a secret is left out of them, and marked.'],
    },
    facts: { ...item.facts, templates: true },
  };
}

/** A secret of one file goes from all of them, so all are read first. */
async function* blankEntries(entries: AsyncIterable<TarEntry>): AsyncGenerator<TarEntry, void, undefined> {
  const found: { readonly entry: TarEntry; readonly bytes: Buffer | undefined }[] = [];
  let total = 0;
  for await (const entry of entries) {
    const isText = entry.type === 'file' && entry.open !== undefined && entry.size <= largestText && total + entry.size <= mostText;
    const bytes = isText && entry.open !== undefined ? await collect(entry.open()) : undefined;
    total += bytes?.length ?? 0;
    if (entry.type !== 'file' || (bytes !== undefined && !bytes.includes(0))) found.push({ entry, bytes });
  }
  const known = new Set(
    found.flatMap(({ entry, bytes }) => (bytes === undefined ? [] : blankSecrets(textOf(bytes).text, chooseDialect(entry.name)).secrets)),
  );
  for (const { entry, bytes } of found) {
    if (bytes === undefined) yield entry;
    else {
      const template = blankFile(entry.name, bytes, known);
      yield { ...entry, size: template.length, open: () => once(template) };
    }
  }
}

/** A configuration file without what may be a secret. */
export function blankFile(path: string, bytes: Buffer, known: Iterable<string> = []): Buffer {
  const dialect = chooseDialect(path);
  const { text, encoding } = textOf(bytes);
  const { text: blankedText, blanked } = blankSecrets(text, dialect, known);
  return Buffer.from(addTemplateNotice(blankedText, dialect, blanked), encoding);
}

/** Every byte is a character in Latin-1, so that any other text comes out as it went in. */
function textOf(bytes: Buffer): { readonly text: string; readonly encoding: 'utf8' | 'latin1' } {
  const text = bytes.toString('utf8');
  return Buffer.from(text, 'utf8').equals(bytes) ? { text, encoding: 'utf8' } : { text: bytes.toString('latin1'), encoding: 'latin1' };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes;
}

/** Every file of settings by name, one behind the other. */
async function describeEnvironment({ tree, snapshot }: PlannedComponent, isTemplate: boolean): Promise<string> {
  const parts: string[] = [];
  for await (const { path, size } of tree.list('/')) {
    if (!/(^\.env|\.env$|^env[._-]|\.env\.)/i.test(path.slice(path.lastIndexOf('/') + 1)) || size > largestText) continue;
    if (!isTemplate && !snapshot.snapshot.paths.some((root) => path === root || path.startsWith(`${root === '/' ? '' : root}/`))) continue;
    const bytes = await readAll(tree, path, largestText);
    if (bytes.includes(0)) continue;
    const text = (isTemplate ? bytes : blankFile(path, bytes)).toString('utf8');
    parts.push(`# ${isTemplate ? path.slice(configFolder.length + 1) : path}\n${text}${text.endsWith('\n') ? '' : '\n'}`);
  }
  return parts.join('\n');
}

async function collect(bytes: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of bytes) {
    size += chunk.length;
    if (size > largestText) throw new HoldfastError('damaged', { object: 'a configuration file', reason: 'it is longer than it says' });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
