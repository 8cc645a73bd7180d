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
  /** Connects once; services and volumes are those of the application's project. Throws `docker-unreachable`. */
  readonly docker: () => Promise<DockerEngine>;
  /** The Compose project of the application; undefined where there is no Compose file. */
  readonly project: () => Promise<string | undefined>;
  /** A text as it is, or the secret that it names. Throws `secret-unreadable`. */
  readonly read: (secret: string | Secret) => Promise<string>;
}

export function createTools(configuration: Configuration, context: ApplicationContext): ApplicationTools {
  let docker: Promise<DockerEngine> | undefined;
  const { environment, signal } = context;
  let project: Promise<string | undefined> | undefined;
  // A recovery may bring the Compose file: that there is none is not remembered.
  const projectOnce = async (): Promise<string | undefined> => {
    const found = await (project ??= findProject(configuration, environment));
    if (found === undefined) project = undefined;
    return found;
  };
  const connect = async (): Promise<DockerEngine> => {
    const { connectDocker } = await import('../../sources/docker/connect-docker.ts');
    const name = await projectOnce();
    return connectDocker({ environment, signal, ...(name === undefined ? {} : { project: name }) });
  };
  return {
    configuration,
    context,
    docker: () => (docker ??= connect()),
    project: projectOnce,
    read: async (secret) => {
      if (typeof secret === 'string') return secret;
      const { readSecret } = await import('../../config/read-secret.ts');
      return readSecret(secret, { environment, folder: configuration.folder, signal });
    },
  };
}

async function findProject(configuration: Configuration, environment: Environment): Promise<string | undefined> {
  if (configuration.compose?.project !== undefined) return configuration.compose.project;
  const file = findComposeFile(configuration);
  if (file === undefined) return undefined;
  const { composeProject } = await import('../../sources/docker/compose-project.ts');
  return composeProject({ folder: dirname(file), file, environment });
}

/** Passwords of repositories are no business of a hook; everything else is there. */
export function commandEnvironment(environment: Environment): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).flatMap(([name, value]) =>
      value === undefined || /^(HOLDFAST|RESTIC)_.*PASSWORD/.test(name) ? [] : [[name, value]],
    ),
  );
}
