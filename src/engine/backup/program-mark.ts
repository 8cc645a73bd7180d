/** Which program wrote a snapshot, and whether its entries may be taken over without reading them again. Pure. */
import { readVersion } from '../../util/program-version.ts';
import type { Snapshot } from '../snapshot-json.ts';

const programName = 'holdfast';
const withoutAttributes = ' without extended attributes';

/** What a snapshot's `program_version` says. */
export function programMark(sawAttributes: boolean): string {
  return `${programName} ${readVersion()}${sawAttributes ? '' : withoutAttributes}`;
}

/**
 * Whether this run would see no more of an entry than the parent's did: another program may lose something (restic 0.14 the attributes of
 * links), a holdfast without the means to read attributes had none, and some attributes are shown to root only (whose uid 0 the format leaves out).
 */
export function sawAllOf({ program_version: program = '', uid = 0 }: Snapshot, ownUid: number): boolean {
  return program.startsWith(`${programName} `) && !program.endsWith(withoutAttributes) && (uid === 0 || uid === ownUid);
}
