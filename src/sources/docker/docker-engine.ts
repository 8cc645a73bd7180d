/** What holdfast needs of a Docker engine: find containers and volumes, run commands inside, stop and start. `connectDocker` gives one. */
import type { OwnContainer, OwnContainerRequest } from './own-container.ts';

/** A container by its Compose service, or by its own name or id. */
export type ContainerAddress = { readonly service: string; readonly project?: string } | { readonly container: string };

export interface DockerEngine {
  /** For people: `unix:///var/run/docker.sock`. */
  readonly title: string;
  /** The Compose project that services and volumes are looked up in where none is named with them. */
  readonly project?: string;
  /** Whether it runs on this machine, so that its volumes' mountpoints are folders here. */
  readonly isLocal: boolean;
  /** The variables that lead another process to this engine (`DOCKER_HOST` and what belongs to it). No secrets. */
  readonly environment: Readonly<Record<string, string>>;
  /** Versions of the engine and of its API, such as `27.3.1` and `1.47`. Throws `docker-unreachable`. */
  version(): Promise<{ readonly engine: string; readonly api: string }>;
  /** What the engine's host takes for the time. Throws `docker-unreachable`. */
  time(): Promise<Date>;
  /**
   * The container at an address, running or not. A service without a project is looked up in the engine's own project
   * (`project`), and where that is not set in all of them; `docker-service-ambiguous` where several have it.
   * Of a service's containers the first running one is taken. Throws `docker-service-missing` or `docker-container-missing`, which name what there is, and `docker-unreachable`.
   */
  find(at: ContainerAddress): Promise<Container>;
  /** All containers of a service, running or not, those that run first. Throws as `find`. */
  service(name: string, project?: string): Promise<Container[]>;
  /** All containers that run, and with `all` those that do not; of one Compose project, where one is named. By name. Throws `docker-unreachable`. */
  containers(filter?: ContainerFilter): Promise<Container[]>;
  /**
   * Volumes by name, by name within the project (`uploads` is `shop_uploads`), or by pattern with `*` and `?` (of either name). By name, each once.
   * Throws `docker-volume-missing` where one of the patterns matches nothing, and `docker-unreachable`.
   */
  volumes(patterns: readonly string[], project?: string): Promise<Volume[]>;
  /** Creates a volume of the local driver, or gives the one of that name that is there already. Throws `docker-failed`. */
  createVolume(name: string, labels?: Readonly<Record<string, string>>): Promise<Volume>;
  /** Removes a volume that no container has. No error where it is not there. Throws `docker-failed`. */
  removeVolume(name: string): Promise<void>;
  /** The names of all Compose projects that have a container, a network or a volume. Throws `docker-unreachable`. */
  projects(): Promise<string[]>;
  /** Removes a Compose project with all that belongs to it, volumes too. No error where there is none. Throws `docker-failed`. */
  removeProject(name: string): Promise<void>;
  /** Makes and starts a container of holdfast's own. Throws `docker-failed`, `docker-unreachable`. */
  startOwn(request: OwnContainerRequest): Promise<OwnContainer>;
  /** Takes away those that an earlier run left for some purpose. How many. Throws as `startOwn`. */
  removeOwn(purpose: string): Promise<number>;
}

export interface ContainerFilter {
  readonly project?: string;
  /** Also those that are not running. */
  readonly all?: boolean;
}

export interface Volume {
  /** The engine's name for it, with the project's name before it where Compose made it. */
  readonly name: string;
  /** The folder on the engine's host. Only the local driver's is one that can be read. */
  readonly mountpoint: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly driver: string;
  /** What the local driver mounts there, such as an NFS export, while a container uses it. Absent for a plain folder. */
  readonly device?: string;
}

export interface ContainerMount {
  /** `volume`, `bind`, `tmpfs`. */
  readonly type: string;
  /** The volume's name. */
  readonly name?: string;
  /** On the engine's host. */
  readonly source: string;
  /** Inside the container. */
  readonly destination: string;
}

export interface PublishedPort {
  /** Inside the container. */
  readonly inside: number;
  readonly address: string;
  readonly port: number;
}

/** A container as it was when it was found: `state` and `health` do not change by themselves. */
export interface Container {
  readonly id: string;
  /** Without the slash the engine writes before it. */
  readonly name: string;
  readonly image: string;
  /** The engine's own name for the image that it was made of, whatever the name stands for now. */
  readonly imageId: string;
  readonly service?: string;
  readonly project?: string;
  /** `created`, `running`, `paused`, `restarting`, `exited`, `dead`. */
  readonly state: string;
  /** How often the engine has restarted it after it ended. */
  readonly restarts: number;
  /** How it ended the last time, where it does not run now. */
  readonly exit?: { readonly status: number; readonly at: Date };
  /** Only where the image or the service has a health check. */
  readonly health?: 'healthy' | 'unhealthy' | 'starting';
  readonly labels: Readonly<Record<string, string>>;
  /** As the container was made with it; may hold secrets. */
  readonly environment: Readonly<Record<string, string>>;
  readonly mounts: readonly ContainerMount[];
  /** IP addresses in the networks it is part of; `127.0.0.1` where it uses the host's network. Empty where it cannot be reached. */
  readonly addresses: readonly string[];
  /** TCP ports that the engine's host passes on; `address` is empty where it is every address of that host. */
  readonly published: readonly PublishedPort[];
  /** Number of its first process on the engine's host; absent where it does not run. */
  readonly pid?: number;
  /** Starts a command inside. Throws `docker-container-stopped`, `docker-container-missing`, `docker-exec-failed`, `docker-unreachable`. */
  exec(request: ExecRequest): Promise<ContainerProcess>;
  /** Stops it, killing it when it has not ended after the grace period (10 s, or the container's own). No error where it is stopped already. */
  stop(graceSeconds?: number): Promise<void>;
  /** Starts it. No error where it runs already. Throws `docker-failed`. */
  start(): Promise<void>;
  /** Waits until it is healthy where it has a health check, else until it runs. Throws `docker-not-up`, `interrupted`. */
  waitUntilUp(withinMs: number, signal: AbortSignal): Promise<void>;
  /** What it wrote since then, stdout and stderr in the order the engine keeps them, each line with its time. Throws `docker-logs-unreadable`. */
  logs(since: Date): AsyncIterable<Uint8Array>;
  /** The file or folder as a tar. Works on a stopped container. Throws `docker-path-missing`. The stream throws when the connection breaks. */
  readArchive(path: string): Promise<AsyncIterable<Uint8Array>>;
  /** Unpacks a tar into a folder that is there. Works on a stopped container. Throws `docker-path-missing`, `docker-failed`. */
  writeArchive(path: string, tar: AsyncIterable<Uint8Array>): Promise<void>;
}

export interface ExecRequest {
  readonly command: readonly string[];
  /** Added to the container's own environment. Secrets belong here: the command's words are visible to all in the container. */
  readonly environment?: Readonly<Record<string, string>>;
  /** `user`, `user:group` or numbers; the container's own where absent. */
  readonly user?: string;
  /** What the command reads on stdin. */
  readonly input?: AsyncIterable<Uint8Array>;
  /** stdin stays open for `write`, until `endInput`. Not together with `input`. */
  readonly interactive?: boolean;
  /** Kills the command when aborted; `output` and `ended` then throw `interrupted`. */
  readonly signal: AbortSignal;
}

/** A command inside a container. */
export interface ContainerProcess {
  /**
   * stdout, with back-pressure. Ends when the command closed it; throws `docker-exec-failed` when the connection to the engine breaks or the
   * container stops meanwhile. A normal end says nothing about success: look at `ended`. Leaving it early kills the command.
   */
  readonly output: AsyncIterable<Uint8Array>;
  /**
   * The exit status, asked of the engine after the streams ended (128 + the signal's number where one ended it), and the last 64 KiB of stderr.
   * Read `output` first: it settles only after that has ended or was left. Rejects as `output` throws, also with what `input` threw.
   */
  readonly ended: Promise<ContainerProcessEnd>;
  /** Writes to stdin of an `interactive` command, with back-pressure. Throws `docker-exec-failed` when it cannot take more. */
  write(bytes: Uint8Array): Promise<void>;
  endInput(): void;
  /** Ends the command and waits until it is gone. */
  kill(): Promise<void>;
}

export interface ContainerProcessEnd {
  readonly status: number;
  readonly stderr: string;
}
