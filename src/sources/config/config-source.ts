/** Configuration files as a component: whole, or as templates without their secrets. */
import { HoldfastError } from '../../errors.ts';
import type { Capture, CaptureContext, RestorableSource, StreamEntry } from '../source.ts';
import { type ConfigManifest, configFolder, configManifestPath } from './config-manifest.ts';
import { addLinkTargets, findConfigFiles, listFiles } from './find-config-files.ts';
import { fingerprintConfig } from './fingerprint-config.ts';
import { makeTemplates } from './make-templates.ts';
import { type ConfigRestoreRequest, restoreTemplates } from './restore-templates.ts';

export interface ConfigSourceOptions {
  /** The component's name, such as `config`. */
  readonly component: string;
  /** The application's folder, where relative names begin. */
  readonly folder: string;
  /** Names or patterns. */
  readonly files: readonly string[];
  /** `encrypted`: the files as they are, protected as everything in the repository is. `template`: without what may be a secret. */
  readonly secrets: 'encrypted' | 'template';
}

/**
 * A file that was named and is not there is a problem of the capture; `config-files-missing` where nothing is there at all. `encrypted` captures
 * a tree (restored as files are); `template` captures `/config/<path>` and `/holdfast-config.json`, which `restore` puts back.
 */
export function createConfigSource(options: ConfigSourceOptions): RestorableSource<ConfigRestoreRequest> {
  const { component, folder, files, secrets } = options;
  return {
    kind: 'config',
    component,
    async describe() {
      const { roots, missing } = await findConfigFiles(folder, files);
      const facts: Record<string, string | number> = {
        files: (await listFiles(roots)).length,
        missing: missing.length,
        secrets,
        fingerprint: await fingerprintConfig(options),
      };
      if (secrets === 'template') {
        const { templates, refused } = await makeTemplates(folder, roots);
        facts['blanked'] = templates.reduce((sum, { blanked }) => sum + blanked, 0);
        facts['refused'] = refused.length;
      }
      return { kind: 'config', component, title: `configuration in ${folder} (${files.join(', ')})`, facts };
    },
    capture: (context) => captureConfig(options, context),
    restore: (from, request, context) => restoreTemplates(from, request, request.folder ?? folder, context),
  };
}

async function captureConfig(options: ConfigSourceOptions, { events }: CaptureContext): Promise<Capture> {
  const { component, folder, files, secrets } = options;
  const { roots, missing, idle } = await findConfigFiles(folder, files);
  if (roots.length === 0) throw new HoldfastError('config-files-missing', { component, files: files.join(', ') });
  for (const problem of missing) events({ type: 'problem', ...problem });
  for (const pattern of idle) events({ type: 'notice', message: `No file matches ${pattern} in ${folder}.` });
  if (secrets === 'encrypted') return { shape: 'tree', roots: await addLinkTargets(roots), select: {} };
  const fingerprint = await fingerprintConfig(options);
  const { templates, refused } = await makeTemplates(folder, roots);
  for (const problem of refused) events({ type: 'problem', ...problem });
  if (templates.length === 0) throw new HoldfastError('config-files-missing', { component, files: files.join(', ') });
  const manifest: ConfigManifest = {
    format: 1,
    folder,
    fingerprint,
    files: templates.map(({ name, mode, blanked }) => ({ name, mode, blanked })),
  };
  const newest = new Date(Math.max(...templates.map(({ modified }) => modified.getTime())));
  const entries: StreamEntry[] = [
    ...templates.map(({ name, bytes, mode, modified }) => ({ path: `${configFolder}/${name}`, mode, modified, open: () => once(bytes) })),
    { path: configManifestPath, modified: newest, open: () => once(Buffer.from(`${JSON.stringify(manifest, undefined, 1)}\n`, 'utf8')) },
  ];
  return { shape: 'streams', entries: inOrder(entries) };
}

async function* inOrder(entries: readonly StreamEntry[]): AsyncGenerator<StreamEntry, void, undefined> {
  yield* entries;
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes;
}
