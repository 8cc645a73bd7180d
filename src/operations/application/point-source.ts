/** The last component of a point: its manifest, and all that recovering needs to know. */
import { createHash } from 'node:crypto';
import { hostname } from 'node:os';
import { readFile, stat } from 'node:fs/promises';
import type { Configuration } from '../../config/configuration.ts';
import { HoldfastError, reasonOf } from '../../errors.ts';
import type { Source, StreamEntry } from '../../sources/source.ts';
import { readVersion } from '../../util/program-version.ts';
import type { BackupComponent, FailedComponent, SavedComponent } from '../back-up.ts';
import {
  configurationPath,
  encodeApplicationManifest,
  manifestPath,
  pointComponent,
  variablesPath,
  type ApplicationManifest,
  type ManifestComponent,
} from './application-manifest.ts';
import type { Environment } from './application-tools.ts';
import type { ObservedComponent } from './observed-source.ts';
import { keptVariables } from './referenced-variables.ts';

/** The text of holdfast.yaml, read once, so that all of a point speaks of the same. */
export interface ConfigurationText {
  readonly file: string;
  readonly text: string;
  readonly mode: number;
  readonly sha256: string;
}

/** Throws `source-unreadable`. */
export async function readConfigurationText(file: string): Promise<ConfigurationText> {
  try {
    const text = await readFile(file, 'utf8');
    const { mode } = await stat(file);
    return { file, text, mode: mode & 0o7777, sha256: hashOf(text) };
  } catch (error) {
    throw new HoldfastError('source-unreadable', { path: file, reason: reasonOf(error) }, error);
  }
}

export function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

export interface ManifestFacts {
  readonly configuration: Configuration;
  readonly text: ConfigurationText;
  readonly version: string | undefined;
  readonly components: readonly ObservedComponent[];
  readonly skipped: ApplicationManifest['skipped'];
  readonly host: string | undefined;
  readonly time: Date;
  readonly began: Date;
  readonly ended: Date;
  /** Whose content is as it was in the point before. */
  readonly unchanged: ReadonlySet<string>;
  readonly saved: readonly SavedComponent[];
  readonly failed: readonly FailedComponent[];
}

export function makeManifest(facts: ManifestFacts): ApplicationManifest {
  const { configuration, text, version, components, skipped, host = hostname(), saved, failed } = facts;
  return {
    format: 1,
    application: configuration.application,
    version: version ?? null,
    profile: configuration.profile ?? null,
    host,
    time: facts.time.toISOString(),
    began: facts.began.toISOString(),
    ended: facts.ended.toISOString(),
    status: failed.length === 0 ? 'complete' : 'partial',
    versions: { holdfast: readVersion(), node: process.versions.node },
    configuration: { file: text.file, sha256: text.sha256, mode: text.mode },
    components: components.map((each) => describeComponent(each, facts, saved, failed)),
    skipped,
  };
}

function describeComponent(
  { component: { name, kind }, observed }: ObservedComponent,
  { unchanged }: ManifestFacts,
  saved: readonly SavedComponent[],
  failed: readonly FailedComponent[],
): ManifestComponent {
  const done = saved.find(({ component }) => component === name);
  const failure = failed.find(({ component }) => component === name)?.error;
  const about = { name, kind, ...observed() };
  if (done === undefined || failure !== undefined) {
    const error = failure === undefined ? {} : { error: { code: failure.code, message: failure.message, hint: failure.hint } };
    return { ...about, streams: [], status: 'failed', ...error };
  }
  const { summary, began, ended } = done;
  return {
    ...about,
    status: 'saved',
    ...(summary.snapshotId === undefined ? {} : { snapshot: summary.snapshotId }),
    began: began.toISOString(),
    seconds: (ended.getTime() - began.getTime()) / 1000,
    files: summary.totalFilesProcessed,
    bytes: summary.totalBytesProcessed,
    added: summary.dataAdded,
    problems: summary.problems,
    ...(unchanged.has(name) ? { unchanged: true } : {}),
  };
}

/** A component of these records. */
export function makePointComponent(manifest: ApplicationManifest, text: ConfigurationText, environment: Environment): BackupComponent {
  const modified = new Date(manifest.ended);
  const entry = (path: string, bytes: Uint8Array): StreamEntry => ({ path, modified, mode: 0o600, open: () => once(bytes) });
  const variables = keptVariables(text.text, environment);
  const entries = [
    entry(manifestPath, encodeApplicationManifest(manifest)),
    entry(configurationPath, Buffer.from(text.text)),
    entry(variablesPath, Buffer.from(`${JSON.stringify(variables, undefined, 1)}\n`)),
  ];
  return { source: createRecordSource(pointComponent, 'point', entries), paths: ['/holdfast'] };
}

/** A source of a few records that are known already. */
export function createRecordSource(component: string, kind: string, entries: readonly StreamEntry[]): Source {
  return {
    kind,
    component,
    describe: () => Promise.resolve({ kind, component, title: component, facts: {} }),
    capture: () => Promise.resolve({ shape: 'streams', entries: each(entries) }),
  };
}

async function* each(entries: readonly StreamEntry[]): AsyncGenerator<StreamEntry, void, undefined> {
  yield* entries;
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes;
}
