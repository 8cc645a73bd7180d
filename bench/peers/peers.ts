import { borg, borgLz4 } from './borg.ts';
import { holdfast } from './holdfast.ts';
import type { Peer } from './peer.ts';
import { restic } from './restic.ts';

/** Everything that can be named with `--only`. */
export const allPeers: readonly Peer[] = [restic, borg, borgLz4, holdfast];

/** What runs when nothing is said. */
export const defaultPeers = ['restic', 'borg', 'holdfast'];
