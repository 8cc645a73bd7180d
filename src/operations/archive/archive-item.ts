/** A file of an archive before it is compressed and encrypted. */
import type { TarEntry } from './tar-stream.ts';

export interface ArchiveItem {
  /** Absent for what describes the whole archive. */
  readonly component?: string;
  readonly kind: string;
  /** `database.dump`, `globals.sql`; of a folder without an ending: `uploads`. */
  readonly name: string;
  /** Bytes before compression, as far as it is known. */
  readonly size: number;
  readonly content: StreamContent | FolderContent;
  /** Small files that are read with the eye, and what is compressed already, are left as they are. */
  readonly compressed: boolean;
  /** A dump that has compression of its own: it is packed inside, where it is a file by itself. */
  readonly packs?: boolean;
  /** How it comes back. */
  readonly recipe: Recipe;
  /** For manifest.json. */
  readonly facts?: Readonly<Record<string, unknown>>;
}

export interface StreamContent {
  readonly shape: 'stream';
  /** Exactly. */
  readonly size: number;
  readonly modified: Date;
  readonly open: () => AsyncIterable<Uint8Array>;
}

/** Becomes a tar, or a folder of the tar that is the whole archive. */
export interface FolderContent {
  readonly shape: 'folder';
  entries(): AsyncIterable<TarEntry>;
}

/** Commands that put it back, made of the words that read it. */
export interface Recipe {
  /** `PostgreSQL database "shop"` */
  readonly title: string;
  /** What a person has to know before. */
  readonly notes: readonly string[];
  /** Shell lines. `source.read` writes the file, as it was before compression, to stdout; of a folder `source.unpack(to)` makes it in another folder. */
  readonly commands: (source: RecipeSource) => readonly string[];
}

export interface RecipeSource {
  /** `gpg --decrypt globals.sql.gz.gpg | gunzip` or `cat globals.sql` */
  readonly read: string;
  /** Lines that make the content of a folder item in an existing folder, which is a word of a shell. */
  readonly unpack: (folder: string) => readonly string[];
}
