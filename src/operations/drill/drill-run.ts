/** What every part of a drill is given, and what it gives back. */
import type { SourceConfiguration } from '../../config/configuration.ts';
import type { DrillConfiguration } from '../../config/drill-configuration.ts';
import type { Repository } from '../../engine/repository.ts';
import { reasonOf } from '../../errors.ts';
import type { PostgresServer } from '../../sources/postgres/server.ts';
import type { ManifestComponent } from '../application/application-manifest.ts';
import type { ApplicationContext, ApplicationTools } from '../application/application-tools.ts';
import type { PointComponent } from '../points.ts';
import type { DrillMark } from './drill-mark.ts';

/** A component that is to be restored. */
export interface PlannedComponent {
  readonly name: string;
  readonly kind: string;
  readonly point: string;
  readonly snapshot: PointComponent;
  /** How the configuration says it is reached; absent where there is none. */
  readonly source?: SourceConfiguration;
  /** What the point's manifest says about it. */
  readonly saved?: ManifestComponent;
}

/** A database that stands for the live one until the drill ends. */
export interface RestoredDatabase {
  readonly component: string;
  readonly server: PostgresServer;
  readonly name: string;
  /** For programs of this machine, without the password; absent where they cannot reach it. */
  readonly url?: string;
  readonly password?: string;
}

/** Where restored things lie while assertions are made. */
export interface RestoredPlaces {
  readonly databases: RestoredDatabase[];
  /** By component. */
  readonly folders: Map<string, string>;
}

export interface DrillRun {
  readonly repository: Repository;
  readonly drill: DrillConfiguration;
  readonly tools: ApplicationTools;
  /** Stops with the drill's time. */
  readonly context: ApplicationContext;
  readonly mark: DrillMark;
  readonly room: DrillRoom;
  readonly places: RestoredPlaces;
}

/** What one component's restore found. */
export interface RestoreFindings {
  readonly bytes: number;
  readonly compared: Readonly<Record<string, number>>;
  readonly mismatches: readonly string[];
  readonly remarks: readonly string[];
}

/** Everything temporary of a drill, and how it is taken away. */
export class DrillRoom {
  /** Only for this drill; the user of a PostgreSQL server can enter it. */
  readonly folder: string;
  readonly #endings: { readonly what: string; readonly end: () => Promise<void> }[] = [];
  #names = 0;

  constructor(folder: string) {
    this.folder = folder;
  }

  /** A number that nothing else in this drill has. */
  next(): number {
    this.#names += 1;
    return this.#names;
  }

  /** Told before something is made: what takes it away must succeed where it is not there. */
  onEnd(what: string, end: () => Promise<void>): void {
    this.#endings.push({ what, end });
  }

  /** Takes all away, what came last first. What could not be taken away, a line each; it is tried again by the next drill. */
  async clear(): Promise<string[]> {
    const left: string[] = [];
    for (let ending = this.#endings.pop(); ending !== undefined; ending = this.#endings.pop()) {
      const { what, end } = ending;
      await end().catch((error: unknown) => left.push(`${what} could not be taken away: ${reasonOf(error)}`));
    }
    return left;
  }
}

/** Names steps as they happen, and notes how long each took. */
export class DrillTimer {
  readonly steps: { readonly name: string; readonly seconds: number }[] = [];
  readonly #context: ApplicationContext;

  constructor(context: ApplicationContext) {
    this.#context = context;
  }

  async time<Result>(name: string, work: () => Promise<Result>): Promise<Result> {
    const { clock, events } = this.#context;
    events({ type: 'phase', phase: name });
    const began = clock.now().getTime();
    try {
      return await work();
    } finally {
      this.steps.push({ name, seconds: Math.max(0, clock.now().getTime() - began) / 1000 });
    }
  }

  get seconds(): number {
    return this.steps.reduce((sum, { seconds }) => sum + seconds, 0);
  }
}
