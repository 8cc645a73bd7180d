/** What `~/.ssh/config` says about a host, in its plain forms: `Host` blocks with names and patterns; the first value of each word counts. */
export interface SshHostConfig {
  readonly hostName?: string;
  readonly port?: number;
  readonly user?: string;
  /** As they are written: `~` and `%d` are for the caller. */
  readonly identityFiles: readonly string[];
  readonly identitiesOnly: boolean;
  readonly knownHostsFiles: readonly string[];
  /** Hosts on the way, as they are written (`user@host:port`), the nearest first. */
  readonly jumps: readonly string[];
  /** A connection through another program, which is not made here. */
  readonly proxyCommand?: string;
}

const single = ['hostname', 'port', 'user', 'identitiesonly', 'userknownhostsfile', 'proxyjump', 'proxycommand'];

/** Reads the text of a configuration for one host, by the name that was asked for. `Match` blocks other than `Match all` are passed over. */
export function readSshConfig(text: string, host: string): SshHostConfig {
  const values = new Map<string, string>();
  const identityFiles: string[] = [];
  let applies = true;
  for (const line of text.split('\n')) {
    const [, word = '', value = ''] = /^\s*([A-Za-z]+)(?:\s*=\s*|\s+)(.*?)\s*$/.exec(line) ?? [];
    const name = word.toLowerCase();
    if (name === 'host') applies = matchesPatterns(wordsOf(value), host);
    else if (name === 'match') applies = value.toLowerCase() === 'all';
    else if (!applies) continue;
    else if (name === 'identityfile') identityFiles.push(unquote(value));
    else if (single.includes(name) && !values.has(name)) values.set(name, value);
  }
  const hostName = values.get('hostname');
  const port = Number(values.get('port'));
  const user = values.get('user');
  const [jump, proxyCommand] = ['proxyjump', 'proxycommand'].map((name) => notNone(values.get(name)));
  return {
    ...(hostName === undefined ? {} : { hostName: unquote(hostName).replaceAll('%h', host) }),
    ...(Number.isInteger(port) && port > 0 && port < 65_536 ? { port } : {}),
    ...(user === undefined ? {} : { user: unquote(user) }),
    identityFiles: identityFiles.filter((file) => file.toLowerCase() !== 'none'),
    identitiesOnly: values.get('identitiesonly')?.toLowerCase() === 'yes',
    knownHostsFiles: wordsOf(values.get('userknownhostsfile') ?? ''),
    jumps:
      jump === undefined
        ? []
        : unquote(jump)
            .split(/[\s,]+/)
            .filter((hop) => hop !== ''),
    // The first of the two counts; both hardly ever stand there.
    ...(proxyCommand === undefined || jump !== undefined ? {} : { proxyCommand }),
  };
}

function notNone(value: string | undefined): string | undefined {
  return value?.toLowerCase() === 'none' ? undefined : value;
}

/** Whether a name fits a list of patterns with `*` and `?`, of which one with `!` in front forbids it. */
export function matchesPatterns(patterns: readonly string[], name: string): boolean {
  let found = false;
  for (const pattern of patterns) {
    const negated = pattern.startsWith('!');
    if (!fits(negated ? pattern.slice(1) : pattern, name)) continue;
    if (negated) return false;
    found = true;
  }
  return found;
}

/* Without a regular expression: one of many stars takes exponential time. */
function fits(pattern: string, name: string): boolean {
  const [wanted, given] = [pattern.toLowerCase(), name.toLowerCase()];
  let [at, from, star, mark] = [0, 0, -1, 0];
  while (from < given.length) {
    if (at < wanted.length && wanted[at] === '*') [star, mark, at] = [at, from, at + 1];
    else if (at < wanted.length && (wanted[at] === '?' || wanted[at] === given[from])) [at, from] = [at + 1, from + 1];
    else if (star >= 0) [at, mark, from] = [star + 1, mark + 1, mark + 1];
    else return false;
  }
  while (wanted[at] === '*') at += 1;
  return at === wanted.length;
}

function wordsOf(text: string): string[] {
  return [...text.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '').filter((word) => word !== '');
}

function unquote(text: string): string {
  return /^"(.*)"$/.exec(text)?.[1] ?? text;
}
