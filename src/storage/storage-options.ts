/** What a place needs to be told besides its address. */
export interface StorageOptions {
  /**
   * Credentials and settings by the names that restic and the clouds' own tools use (`AWS_ACCESS_KEY_ID`, `AZURE_ACCOUNT_KEY`,
   * `GOOGLE_APPLICATION_CREDENTIALS`, `RESTIC_REST_USERNAME` …). Default: the environment of the process. A repository may bring its own.
   */
  readonly environment?: StorageEnvironment;
  /** Of new objects: `STANDARD_IA`, `Cool`, `NEARLINE` … Places without classes refuse it with `storage-url`. */
  readonly storageClass?: string;
  /** Keeps what is put from being deleted or replaced, also by who has the credentials. Places that cannot refuse it with `storage-url`. */
  readonly lock?: StorageLock;
  /** Which keys `lock` is for; the others are put without. Default: all. */
  readonly isLockable?: (key: string) => boolean;
  /** Requests at once, at most. Default 8. */
  readonly connections?: number;
  /** Shows the place as it was at this time, where it keeps earlier versions: for reading only. Places that cannot refuse it with `storage-url`. */
  readonly asOf?: Date;
}

export type StorageEnvironment = Readonly<Record<string, string | undefined>>;

export interface StorageLock {
  /** `governance`: who has a special right may delete all the same. `compliance`: nobody. */
  readonly mode: 'governance' | 'compliance';
  /** For so long from when an object is put, in milliseconds. */
  readonly forMs: number;
}

/** Requests at once, unless the options say otherwise. */
export const defaultConnections = 8;
