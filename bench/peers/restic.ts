import { cleanEnvironment, password, type Command, type Peer, type Place } from './peer.ts';

/** Stock restic with its defaults. */
export const restic: Peer = {
  name: 'restic',
  settings: 'defaults: repository version 2, compression auto',
  version: { argv: ['restic', 'version'], env: cleanEnvironment('/nonexistent') },
  init: (place) => [resticCommand(place, 'init', '--repository-version', '2')],
  backup: (place, paths) => [resticCommand(place, 'backup', ...paths)],
  restore: (place, _label, target) => [resticCommand(place, 'restore', 'latest', '--target', target)],
  prune: (place) => [resticCommand(place, 'forget', '--keep-last', '1', '--prune')],
  judge: () => [],
};

/** `restic check` on a repository that another program wrote, with no cache to mislead it. */
export function resticCheck(place: Place): Command {
  return resticCommand(place, 'check', '--no-cache');
}

function resticCommand(place: Place, ...words: string[]): Command {
  return {
    argv: ['restic', '--quiet', '-r', place.repository, ...words],
    env: { ...cleanEnvironment(place.home), RESTIC_PASSWORD: password },
  };
}
