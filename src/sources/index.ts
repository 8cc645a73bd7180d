/** What can be backed up: the interface every source meets, and the sources that come with holdfast. */
export type {
  Capture,
  CaptureContext,
  CapturedEntry,
  CapturedTree,
  EntryOwner,
  RestorableSource,
  RestoreOutcome,
  Source,
  SourceDescription,
  StreamCapture,
  StreamEntry,
  TreeCapture,
  TreeSelection,
} from './source.ts';
export { createFilesSource, type FilesSourceOptions } from './files/files-source.ts';
export { createPostgresSource, type PostgresAddress, type PostgresSourceOptions } from './postgres/postgres-source.ts';
export type { PostgresRestoreRequest } from './postgres/restore-request.ts';
