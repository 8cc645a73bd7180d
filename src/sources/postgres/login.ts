/** Which database is meant and as whom, for messages: nothing here connects. */
import type { ErrorDetails } from '../../errors.ts';

export interface PostgresLogin {
  readonly user: string;
  readonly database: string;
  readonly password: string | undefined;
  readonly at: ServerAddress;
}

export type ServerAddress =
  /** The host is a name, an address, or the folder of the server's socket (then it begins with `/`). */
  | { readonly host: string; readonly port: number }
  /** `container shop-db-1` or `service db`, and what comes before a command that is to run there: `docker exec shop-db-1`. */
  | { readonly container: string; readonly exec: string };

/** For people: `database northstar on localhost:5432`. Never holds the password. */
export function titleOf(login: PostgresLogin): string {
  return `database ${login.database} ${placeOf(login)}`;
}

/** For people: `on localhost:5432`, `in service db`. */
export function placeOf({ at }: PostgresLogin): string {
  return 'host' in at ? `on ${at.host}:${at.port}` : `in ${at.container}`;
}

/** The details that the catalogue's PostgreSQL errors are made of. */
export function addressDetails(login: PostgresLogin): ErrorDetails & { readonly title: string } {
  const { at, user } = login;
  const commands =
    'host' in at
      ? { check: `pg_isready -h ${at.host} -p ${at.port}`, list: `psql -h ${at.host} -p ${at.port} -U ${user} -l` }
      : { check: `${at.exec} pg_isready`, list: `${at.exec} psql -U ${user} -l` };
  return { title: titleOf(login), user, ...commands };
}

/** A shorter password is also in ordinary words: taking it out of those makes them unreadable, and tells what it is. */
const shortestTellingPassword = 6;

/**
 * Replaces the login's password, as it is and as a URL writes it, wherever it appears; one of fewer than six characters only where it
 * is a password by its place: in a URL, or as `password=…`.
 */
export function removeSecrets(text: string, { password }: Pick<PostgresLogin, 'password'>): string {
  if (password === undefined || password === '') return text;
  const forms = [password, encodeURIComponent(password)];
  if (password.length >= shortestTellingPassword) return forms.reduce((rest, form) => rest.replaceAll(form, '***'), text);
  const either = [...new Set(forms)].map((form) => RegExp.escape(form)).join('|');
  return text
    .replaceAll(new RegExp(`(://[^\\s/@:]*:)(?:${either})(?=@)`, 'g'), '$1***')
    .replaceAll(new RegExp(`(password\\s*=\\s*['"]?)(?:${either})(?![^\\s'"&;,)])`, 'gi'), '$1***');
}
