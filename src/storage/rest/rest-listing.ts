/** What the server says lies in a folder. */
import { z } from 'zod';

export interface ListedFile {
  readonly name: string;
  /** Bytes; undefined where a server of the first version names files alone. */
  readonly size: number | undefined;
}

/** What is asked for. Some servers (rclone) take exactly this and no list of forms. */
export const resticListing = 'application/vnd.x.restic.rest.v2';
/** What `holdfast serve rest` answers below `holdfast/`: whole names, with folders. */
export const holdfastListing = 'application/vnd.holdfast.rest.v1';

const size = z.number().int().nonnegative();
const forms = z.union([z.array(z.object({ name: z.string(), size })), z.array(z.string()), z.null()]);

/** Reads a listing of either version. Throws a plain error for what is none. */
export function parseListing(text: string): ListedFile[] {
  const listed = forms.safeParse(JSON.parse(text));
  if (!listed.success) throw new Error('the listing of the server is none');
  return (listed.data ?? []).map((file) => (typeof file === 'string' ? { name: file, size: undefined } : file));
}
