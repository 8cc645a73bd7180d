/** Templates of configuration files, code and caches come back through their own sources. */
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { CodeConfiguration, ConfigFilesConfiguration, RedisConfiguration } from '../../config/configuration.ts';
import { isError } from '../../errors.ts';
import type { CapturedTree, Source } from '../../sources/source.ts';
import type { RunContext } from '../../engine/run-context.ts';
import { openCapturedTree } from '../captured-tree.ts';
import { openCode, openConfig, openRedis } from './application-sources.ts';
import type { Facts, PutBack, PutBackRequest } from './put-back.ts';
import { isThere, placeBelow } from './restore-tree.ts';

type RecordConfiguration = CodeConfiguration | ConfigFilesConfiguration | RedisConfiguration;

interface Restorer {
  readonly source: Source;
  readonly effect: string;
  readonly stops: readonly string[];
  readonly restore: (from: CapturedTree, context: RunContext) => Promise<{ readonly facts: Facts }>;
}

/** What there is nothing of, or a server that does not run, has nothing to be saved. */
const absent = [
  'source-unreadable',
  'config-files-missing',
  'git-not-a-work-tree',
  'redis-unreachable',
  'docker-container-stopped',
  'docker-container-missing',
  'docker-service-missing',
] as const;

export async function planRecords(request: PutBackRequest, configuration: RecordConfiguration): Promise<PutBack> {
  const { repository, snapshot } = request;
  const { source, effect, stops, restore } = await openRestorer(request, configuration);
  return {
    effects: [effect],
    stops,
    writesLive: request.target === undefined,
    present: async () => {
      try {
        const present = configuration.kind === 'config' ? await presentFiles(request, configuration) : source;
        await present?.describe();
        return present;
      } catch (error) {
        if (absent.some((code) => isError(error, code))) return undefined;
        throw error;
      }
    },
    carryOut: async (context) => {
      const { facts } = await restore(openCapturedTree(repository, snapshot, context.signal), context);
      return { facts, problems: 0 };
    },
  };
}

/** The files that are there, whole. That others are not is no alarm: they are what comes back. */
async function presentFiles(
  { tools, configuration: { name } }: PutBackRequest,
  { files }: ConfigFilesConfiguration,
): Promise<Source | undefined> {
  const { findConfigFiles } = await import('../../sources/config/find-config-files.ts');
  const { roots } = await findConfigFiles(tools.configuration.folder, files);
  return roots.length === 0 ? undefined : openConfig(tools, name, { kind: 'config', files: roots, secrets: 'encrypted' });
}

async function openRestorer(
  { tools, configuration: { name }, target }: PutBackRequest,
  configuration: RecordConfiguration,
): Promise<Restorer> {
  switch (configuration.kind) {
    case 'redis': {
      const source = await openRedis(tools, name, configuration);
      const { at } = configuration;
      return {
        source,
        effect: `the data of ${'url' in at ? 'the server' : 'service' in at ? at.service : at.container}: replaced by the snapshot; what lay there is kept beside it`,
        stops: 'service' in at ? [at.service] : [],
        restore: (from, context) => source.restore(from, {}, context),
      };
    }
    case 'config': {
      const source = await openConfig(tools, name, configuration);
      const { folder } = tools.configuration;
      const request = { folder, outside: target === undefined, values: tools.context.environment };
      return {
        source,
        effect: `templates of ${configuration.files.join(', ')}: written where there is no file, else beside it`,
        stops: [],
        restore: (from, context) => source.restore(from, request, context),
      };
    }
    case 'code': {
      const source = await openCode(tools, name, configuration);
      const { path } = configuration;
      const folder = target === undefined || path.startsWith(`${target}/`) ? path : placeBelow(target, path);
      return {
        source,
        effect: `${folder}: checked out as in the point; files that are there stay`,
        stops: [],
        restore: (from, context) => restoreCode(source, from, folder, context),
      };
    }
  }
}

type CodeSource = Awaited<ReturnType<typeof openCode>>;

/** Into a folder that holds something already, such as the repository of the backups, the code is laid without overwriting any of it. */
async function restoreCode(
  source: CodeSource,
  from: CapturedTree,
  folder: string,
  context: RunContext,
): Promise<{ readonly facts: Facts }> {
  try {
    return await source.restore(from, { folder }, context);
  } catch (error) {
    if (!isError(error, 'git-restore-refused') || (await isThere(join(folder, '.git')))) throw error;
  }
  const beside = await mkdtemp(join(dirname(folder), '.holdfast-code-'));
  try {
    const { facts } = await source.restore(from, { folder: beside }, context);
    await cp(beside, folder, { recursive: true, force: false, errorOnExist: false, preserveTimestamps: true, verbatimSymlinks: true });
    return { facts: { ...facts, folder } };
  } finally {
    await rm(beside, { recursive: true, force: true });
  }
}
