/** Takes away what drills of this host left that were killed: databases, volumes, containers, folders. Only what proves by its mark that it is theirs. */
import { rm } from 'node:fs/promises';
import { isError, reasonOf } from '../../errors.ts';
import { openServer } from '../application/query-database.ts';
import type { ApplicationTools } from '../application/application-tools.ts';
import { removeForgottenScratch } from '../point-in-time/scratch-folder.ts';
import { sweepVolumes } from './drill-files.ts';
import { listForgottenDrills } from './drill-note.ts';
import { sweepDatabases } from './drop-temporary.ts';
import { sweepProjects } from './sweep-projects.ts';

/** What every command of an application may do first: nothing at all, where no drill of it was killed. Never throws. */
export async function sweepAfterKilled(tools: ApplicationTools): Promise<void> {
  const { stateFolder, events } = tools.context;
  const forgotten = (await listForgottenDrills(stateFolder)).filter(isOf(tools));
  if (forgotten.length === 0) return;
  await sweepForgotten(tools).catch((error: unknown) =>
    events({ type: 'notice', message: `What a drill left could not be taken away: ${reasonOf(error)}.` }),
  );
}

function isOf({ configuration }: ApplicationTools): (drill: { readonly application: string }) => boolean {
  return ({ application }) => application === '' || application === configuration.application;
}

/** Looks everywhere that a drill of this configuration makes something. What cannot be reached is told, and looked at again the next time. */
export async function sweepForgotten(tools: ApplicationTools): Promise<readonly string[]> {
  const { configuration, context } = tools;
  const forgotten = (await listForgottenDrills(context.stateFolder)).filter(isOf(tools));
  const swept: string[] = [];
  let isWhole = true;
  const look = async (where: string, sweep: () => Promise<readonly string[]>): Promise<void> => {
    try {
      swept.push(...(await sweep()));
    } catch (error) {
      isWhole = false;
      // Where no drill was killed there is hardly anything to find, and a server that is down is somebody else's news.
      if (forgotten.length === 0 || isError(error, 'interrupted')) return;
      context.events({ type: 'notice', message: `Whether a drill left something in ${where} could not be seen: ${reasonOf(error)}.` });
    }
  };
  for (const { name, source } of configuration.components)
    if (source.kind === 'postgres') await look(`the server of "${name}"`, async () => sweepDatabases(await openServer(tools, source)));
  if (usesDocker(tools)) {
    await look('Docker', () => sweepProjects(tools));
    await look('Docker', () => sweepVolumes({ tools }));
  }
  await look('its folder', async () => {
    await removeForgottenScratch(context);
    return [];
  });
  if (swept.length > 0)
    context.events({ type: 'notice', message: `A drill that was killed had left: ${swept.join(', ')}; it is taken away.` });
  if (isWhole) for (const { file } of forgotten) await rm(file, { force: true });
  return swept;
}

function usesDocker({ configuration }: ApplicationTools): boolean {
  return configuration.components.some(({ source }) => {
    if (source.kind === 'postgres' || source.kind === 'redis') return !('url' in source.at);
    return source.kind === 'volumes' || source.kind === 'logs' || (source.kind === 'files' && source.volume !== undefined);
  });
}
