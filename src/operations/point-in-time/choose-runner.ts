/** Where the server of a recovery runs that is nobody's live one. */
import { isError } from '../../errors.ts';
import { runInOwnContainer } from '../../sources/postgres/recovery/container-runner.ts';
import { findServerPrograms } from '../../sources/postgres/recovery/server-programs.ts';
import { runHere, type ServerRunner } from '../../sources/postgres/recovery/server-runner.ts';
import type { ServerInContainer } from './find-container.ts';
import type { MomentContext } from './run-plan.ts';

export interface RunnerChoice {
  readonly major: number;
  /** Folder of the server's programs, where it is not to be looked for. */
  readonly programs?: string;
  /** The live server, where that runs in a container: its image has the programs. */
  readonly inside?: () => Promise<ServerInContainer>;
  /** What the server works in. */
  readonly folders: readonly string[];
}

export interface ChosenRunner {
  readonly runner: ServerRunner;
  /** Folder of the programs of this machine; else the image. */
  readonly programs?: string;
  readonly image?: string;
}

/** This machine's programs where it has those of the version, else the image of the live server's container. Throws `server-programs-missing`, and the Docker errors. */
export async function chooseRunner(
  { major, programs: given, inside, folders }: RunnerChoice,
  { environment }: Pick<MomentContext, 'environment'>,
): Promise<ChosenRunner> {
  try {
    const { folder: programs } = await findServerPrograms(major, environment, given);
    return { runner: runHere(programs), programs };
  } catch (error) {
    if (!isError(error, 'server-programs-missing') || inside === undefined) throw error;
    const { docker, container } = await inside();
    // The folders of another machine's engine are not those of this one.
    if (!docker.isLocal) throw error;
    const image = container.imageId;
    return { runner: runInOwnContainer({ docker, image, major, purpose: 'recovery beside', folders }), image: container.image };
  }
}
