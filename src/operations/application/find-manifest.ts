/** Points of applications, and the manifests in them. */
import type { Repository } from '../../engine/repository.ts';
import { HoldfastError } from '../../errors.ts';
import { openCapturedTree } from '../captured-tree.ts';
import type { Point, PointComponent } from '../points.ts';
import {
  configurationPath,
  decodeApplicationManifest,
  decodeVariables,
  manifestPath,
  variablesPath,
  type ApplicationManifest,
  type ManifestComponent,
} from './application-manifest.ts';

/** What a manifest of any application is far below. */
const largestRecord = 64 * 1024 * 1024;

/** The points that a configuration made, in the same order; of one application, or of one host, where that is named. */
export function findManifests(points: readonly Point[], of: { readonly application?: string; readonly host?: string } = {}): Point[] {
  return points.filter((point) => {
    const record = manifestOf(point);
    if (record === undefined) return false;
    return (
      (of.application === undefined || record.tags.application === of.application) && (of.host === undefined || point.host === of.host)
    );
  });
}

/** The component that holds a point's manifest. */
function manifestOf({ components }: Point): PointComponent | undefined {
  return components.find(({ tags }) => tags.kind === 'point');
}

/** Throws `recovery-point-missing` for a point without one, and `damaged`. */
export async function readManifestOf(repository: Repository, point: Point): Promise<ApplicationManifest> {
  return decodeApplicationManifest(await readRecord(repository, point, manifestPath));
}

/** What a manifest says about a component that it holds. */
export function factsOf({ components }: ApplicationManifest, component: string): ManifestComponent['facts'] | undefined {
  return components.find(({ name, status }) => name === component && status === 'saved')?.facts;
}

/** All that a point says about its application. */
export interface PointRecords {
  readonly manifest: ApplicationManifest;
  /** The text of holdfast.yaml. */
  readonly text: string;
  readonly variables: Readonly<Record<string, string>>;
}

/** Throws `recovery-point-missing` for a point without a manifest, and `damaged`. */
export async function readRecordsOf(repository: Repository, point: Point): Promise<PointRecords> {
  return {
    manifest: await readManifestOf(repository, point),
    text: new TextDecoder().decode(await readRecord(repository, point, configurationPath)),
    variables: decodeVariables(await readRecord(repository, point, variablesPath)),
  };
}

async function readRecord(repository: Repository, point: Point, path: string): Promise<Buffer> {
  const component = manifestOf(point);
  if (component === undefined)
    throw new HoldfastError('recovery-point-missing', {
      location: repository.location,
      reason: `the point ${point.id.slice(0, 8)} was made without a configuration`,
    });
  const tree = openCapturedTree(repository, component, new AbortController().signal);
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of tree.read(path)) {
    size += chunk.length;
    if (size > largestRecord) throw new HoldfastError('damaged', { object: path, reason: 'it is far larger than such a record' });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
