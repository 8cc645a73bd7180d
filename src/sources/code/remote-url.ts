/** Addresses of remotes without what only their owner may know. */

/** Without user, password and query; the user of ssh stays, because it is a part of the address (`git@`). */
export function withoutCredentials(url: string): string {
  const trimmed = url.trim();
  /* git@host:path, host:path, and paths. */
  if (!/^[A-Za-z][A-Za-z0-9+.-]*:\/\//.test(trimmed)) return trimmed.replace(/^([^\s@:/]+):[^@\s]*@/, '$1@');
  const [, scheme = '', rest = ''] = /^([A-Za-z][A-Za-z0-9+.-]*:\/\/)([\s\S]*)$/.exec(trimmed) ?? [];
  /* A password may hold anything, also a slash: up to the last @ before the path ends in a host. */
  const at = rest.lastIndexOf('@');
  const address = (at < 0 ? rest : rest.slice(at + 1)).replace(/[?#].*$/s, '');
  const user = /^(?:git\+)?ssh:/i.test(scheme) ? /^([^:@/]+)(?::[^@]*)?@/.exec(rest)?.[1] : undefined;
  return `${scheme}${user === undefined ? '' : `${user}@`}${address}`;
}

/** A text of git's in which addresses may stand. */
export function hideCredentials(text: string): string {
  return text
    .replaceAll(/([A-Za-z][A-Za-z0-9+.-]*:\/\/)[^\s'"]*@/g, '$1')
    .replaceAll(/([A-Za-z][A-Za-z0-9+.-]*:\/\/[^\s'"?]*)\?[^\s'"]*/g, '$1');
}
