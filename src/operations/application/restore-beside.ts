/** Code, and templates of configuration, below another folder: as what they stand for, and not as the records they were saved as. */
import type { Repository } from '../../engine/repository.ts';
import type { RunContext } from '../../engine/run-context.ts';
import { locatePoint } from '../browse.ts';
import { openCapturedTree } from '../captured-tree.ts';
import { type LockChoice, withReadLock } from '../open-session.ts';
import type { PointRequest } from '../point-request.ts';
import type { PointComponent } from '../points.ts';
import type { Environment } from './application-tools.ts';
import { holdsTemplates } from './holds-templates.ts';
import type { Facts } from './put-back.ts';

export interface BesideRequest {
  readonly point: PointRequest;
  /** Absolute. For code it must be empty, absent, or a clone of it. */
  readonly target: string;
  readonly environment: Environment;
  readonly lock: LockChoice;
}

export interface BesideReport {
  readonly pointId: string;
  readonly component: string;
  readonly facts: Facts;
}

/**
 * No configuration is needed for it. Undefined, and nothing was done, where several components are meant, or one of another kind. Throws `snapshot-missing`,
 * `git-restore-refused`, `target-unusable`, `damaged`, `interrupted`, …
 */
export function restoreBeside(repository: Repository, request: BesideRequest, context: RunContext): Promise<BesideReport | undefined> {
  const { point: wanted, lock } = request;
  return withReadLock({
    repository,
    lock,
    context,
    work: async (locked) => {
      const { point, components } = await locatePoint(repository, wanted, locked);
      const [snapshot, ...others] = components;
      if (snapshot === undefined || others.length > 0) return undefined;
      const restore = await chooseRestore(repository, snapshot, request);
      if (restore === undefined) return undefined;
      const { facts } = await restore(openCapturedTree(repository, snapshot, locked.signal), locked);
      return { pointId: point.id, component: snapshot.tags.component, facts };
    },
  });
}

type Restore = (from: ReturnType<typeof openCapturedTree>, context: RunContext) => Promise<{ readonly facts: Facts }>;

async function chooseRestore(
  repository: Repository,
  snapshot: PointComponent,
  { target, environment }: BesideRequest,
): Promise<Restore | undefined> {
  const { component } = snapshot.tags;
  if (snapshot.tags.kind === 'code') {
    const { createCodeSource } = await import('../../sources/code/code-source.ts');
    const source = createCodeSource({ component, path: target, environment });
    return (from, context) => source.restore(from, { folder: target }, context);
  }
  if (snapshot.tags.kind !== 'config' || !(await holdsTemplates(repository, snapshot))) return undefined;
  const { createConfigSource } = await import('../../sources/config/config-source.ts');
  const source = createConfigSource({ component, folder: target, files: [], secrets: 'template' });
  const { mkdir } = await import('node:fs/promises');
  return async (from, context) => {
    await mkdir(target, { recursive: true });
    return source.restore(from, { folder: target, values: environment }, context);
  };
}
