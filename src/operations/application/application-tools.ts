/** What the parts of an application are reached with: Docker, secrets, the environment. Each is only touched when it is needed. */
import { dirname } from 'node:path';
import type { Configuration, Secret } from '../../config/configuration.ts';
import type { RunContext } from '../../engine/run-context.ts';
import type { DockerEngine } from '../../sources/docker/docker-engine.ts';
import type { Clock } from '../../util/clock.ts';
import { findComposeFile } from './compose-file.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Beside events and the signal: what is outside the process. */
export interface ApplicationContext extends RunContext {
  readonly environment: Environment;
  readonly clock: Clock;
  /** Where this host keeps what must outlive a run: journals, the times of restores, services that are stopped. */
  readonly stateFolder: string;
}

export interface ApplicationTools {
  readonly configuration: Configuration;
  readonly context: ApplicationContext;
  /** Connects once (anew while there is no Compose file yet); services and volumes are those of the application's project. Throws `docker-unreachable`. */
  readonly docker: () => Promise<DockerEngine>;
  /** The Compose project of the application: that of its folder where there is no Compose file. */
  readonly project: () => Promise<string>;
  /** A text as it is, or the secret that it names. Throws `secret-unreadable`. */
  readonly read: (secret: string | Secret) => Promise<string>;
}

export function createTools(configuration: Configuration, context: ApplicationContext): ApplicationTools {
  let docker: Promise<DockerEngine> | undefined;
  const { environment, signal } = context;
  let project: Promise<string> | undefined;
  // A recovery may bring the Compose file, which may say another name: what was taken for the lack of one is not remembered.
  const projectOnce = async (): Promise<string> => {
    if (project !== undefined) return project;
    const found = findProject(configuration, environment);
    if (configuration.compose?.project !== undefined || findComposeFile(configuration) !== undefined) project = found;
    return found;
  };
  const connect = async (): Promise<DockerEngine> => {
    const name = projectOnce();
    const { connectDocker } = await import('../../sources/docker/connect-docker.ts');
    return connectDocker({ environment, signal, project: await name });
  };
  return {
    configuration,
    context,
    docker: () => {
      if (docker !== undefined) return docker;
      const connecting = connect();
      if (project !== undefined) docker = connecting;
      return connecting;
    },
    project: projectOnce,
    read: async (secret) => {
      if (typeof secret === 'string') return secret;
      const { readSecret } = await import('../../config/read-secret.ts');
      return readSecret(secret, { environment, folder: configuration.folder, signal });
    },
  };
}

/** Without a Compose file it is that of the folder: services of other applications on the same engine are never meant. */
async function findProject(configuration: Configuration, environment: Environment): Promise<string> {
  if (configuration.compose?.project !== undefined) return configuration.compose.project;
  const file = findComposeFile(configuration);
  const { composeProject } = await import('../../sources/docker/compose-project.ts');
  return file === undefined
    ? composeProject({ folder: configuration.folder, environment })
    : composeProject({ folder: dirname(file), file, environment });
}

/** Passwords of repositories are no business of a hook; everything else is there. */
export function commandEnvironment(environment: Environment): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).flatMap(([name, value]) =>
      value === undefined || /^(HOLDFAST|RESTIC)_.*PASSWORD/.test(name) ? [] : [[name, value]],
    ),
  );
}
