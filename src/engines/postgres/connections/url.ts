/**
 * Connection URLs: https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS, one host, and
 * only the parameters that say where and as whom to connect.
 */
import { UsageError } from '../../../errors.ts';
import type { ConnectionTarget } from '../../engine.ts';

const DEFAULT_PORT = 5432;
const FORM = 'postgres://USER:PASSWORD@HOST:PORT/DATABASE, or postgres://USER@/DATABASE?host=/SOCKET/FOLDER';
/** Stands in while parsing: the WHATWG parser refuses a user without a host, which is how a socket is written. */
const NO_HOST = 'no-host.invalid';
const PARAMETERS = ['host', 'port', 'user', 'password', 'dbname', 'sslmode'];

/** libpq's modes; `prefer` never falls back here: a connection is encrypted or it is not, as the URL says. */
const TLS_MODES: Readonly<Record<string, { tls: boolean; verifyTls: boolean }>> = {
  disable: { tls: false, verifyTls: false },
  allow: { tls: false, verifyTls: false },
  prefer: { tls: false, verifyTls: false },
  require: { tls: true, verifyTls: false },
  'verify-ca': { tls: true, verifyTls: true },
  'verify-full': { tls: true, verifyTls: true },
};

/**
 * Parses `postgres://` and `postgresql://` URLs. User and database must be written out: the user of this process and a
 * database of the same name, which libpq falls back to, are never what is meant for a rehearsal.
 */
export function parseUrl(url: string): ConnectionTarget {
  const parsed = parse(url);
  const parameters = readParameters(parsed);
  const host = parameters.get('host') ?? hostOf(parsed);
  if (host.includes(',')) throw new UsageError(`the URL names several hosts ("${host}"): write one`);
  const user = parameters.get('user') ?? decode(parsed.username, 'user');
  if (user === '') throw new UsageError(`the database URL names no user: write ${FORM}`);
  const database = parameters.get('dbname') ?? decode(parsed.pathname.replace(/^\//, ''), 'database');
  if (database === '') throw new UsageError(`the database URL names no database: write ${FORM}`);
  return {
    host: host === '' || host.startsWith('/') ? 'localhost' : host,
    port: portOf(parameters.get('port') ?? parsed.port),
    socket: host.startsWith('/') ? host : null,
    user,
    password: parameters.get('password') ?? decode(parsed.password, 'password'),
    database,
    ...tlsOf(parameters.get('sslmode') ?? 'prefer'),
  };
}

function parse(url: string): URL {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(url)?.[1];
  if (scheme === undefined) throw new UsageError(`the database URL has no scheme: write ${FORM}`);
  if (!['postgres', 'postgresql'].includes(scheme.toLowerCase()))
    throw new UsageError(`"${scheme}://" is not a Postgres URL: write ${FORM}`);
  const parsed = URL.parse(url.replace(/^([^/]*:\/\/[^/@?]*@)(?=[/?]|$)/, `$1${NO_HOST}`));
  if (parsed === null)
    throw new UsageError(
      `the database URL cannot be read: write ${FORM}, with one host, and special characters of the password as %XX`,
    );
  return parsed;
}

function hostOf(parsed: URL): string {
  return parsed.hostname === NO_HOST ? '' : decode(parsed.hostname.replace(/^\[(.*)\]$/, '$1'), 'host');
}

function readParameters(parsed: URL): ReadonlyMap<string, string> {
  for (const name of parsed.searchParams.keys())
    if (!PARAMETERS.includes(name))
      throw new UsageError(
        `the parameter "${name}" of the database URL is not supported: remove it (supported: ${PARAMETERS.join(', ')}; ` +
          `certificates of your own authority come from NODE_EXTRA_CA_CERTS)`,
      );
  return new Map(parsed.searchParams);
}

function decode(text: string, what: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new UsageError(`the ${what} in the database URL has a "%" that is no %XX: write %25 for "%"`);
  }
}

function portOf(text: string): number {
  if (text === '') return DEFAULT_PORT;
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new UsageError(`the port "${text}" of the database URL is no number from 1 to 65535`);
  return port;
}

function tlsOf(mode: string): { tls: boolean; verifyTls: boolean } {
  const tls = TLS_MODES[mode];
  if (tls === undefined)
    throw new UsageError(`sslmode "${mode}" is unknown: write one of ${Object.keys(TLS_MODES).join(', ')}`);
  return tls;
}
