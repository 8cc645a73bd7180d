/** Compose projects that drills of a whole application made: containers, networks and volumes. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { DockerEngine } from '../../sources/docker/docker-engine.ts';
import type { ApplicationTools } from '../application/application-tools.ts';
import { isForgotten } from './drill-mark.ts';

/** Compose may outlive the drill that started it by some seconds, and makes containers as long as it does. */
const mostLooks = 10;
const pauseMs = 1000;

/** Takes those of this host away whose drill is gone. Their names. Throws the Docker errors. */
export async function sweepProjects(tools: ApplicationTools): Promise<string[]> {
  const docker = await tools.docker();
  const swept = new Set<string>();
  for (let look = 0; look < mostLooks; look += 1) {
    const left = await findForgotten(docker);
    if (left.length === 0) break;
    for (const project of left) {
      await docker.removeProject(project);
      swept.add(`project ${project}`);
    }
    await sleep(pauseMs, undefined, { signal: tools.context.signal }).catch(() => {});
  }
  return [...swept];
}

async function findForgotten(docker: DockerEngine): Promise<string[]> {
  const found: string[] = [];
  for (const project of await docker.projects()) if (await isForgotten(project)) found.push(project);
  return found;
}
