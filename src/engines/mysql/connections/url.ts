/**
 * Connection URLs: https://dev.mysql.com/doc/refman/en/connecting-using-uri-or-key-value-pairs.html, one host, and only
 * the parameters that say where and as whom to connect.
 */
import { UsageError } from '../../../errors.ts';
import type { ConnectionTarget } from '../../engine.ts';

const DEFAULT_PORT = 3306;
const FORM =
  'mysql://USER:PASSWORD@HOST:PORT/DATABASE, or mysql://USER@localhost/DATABASE?socket=/SOCKET/FILE';
const SCHEMES = ['mysql', 'mysql2', 'mariadb'];
const PARAMETERS = ['socket', 'ssl-mode', 'sslmode'];

/** `PREFERRED` never falls back here: a connection is encrypted or it is not, as the URL says. */
const TLS_MODES: Readonly<Record<string, { tls: boolean; verifyTls: boolean }>> = {
  disabled: { tls: false, verifyTls: false },
  disable: { tls: false, verifyTls: false },
  preferred: { tls: false, verifyTls: false },
  required: { tls: true, verifyTls: false },
  require: { tls: true, verifyTls: false },
  verify_ca: { tls: true, verifyTls: true },
  verify_identity: { tls: true, verifyTls: true },
};

/** Parses `mysql://` and `mariadb://` URLs; either is used for both kinds of server. User and database must be there. */
export function parseUrl(url: string): ConnectionTarget {
  const parsed = parse(url);
  const parameters = readParameters(parsed);
  const user = decode(parsed.username, 'user');
  if (user === '') throw new UsageError(`the database URL names no user: write ${FORM}`);
  const database = decode(parsed.pathname.replace(/^\//, ''), 'database');
  if (database === '') throw new UsageError(`the database URL names no database: write ${FORM}`);
  const host = decode(parsed.hostname.replace(/^\[(.*)\]$/, '$1'), 'host');
  if (host.includes(',')) throw new UsageError(`the URL names several hosts ("${host}"): write one`);
  const socket = parameters.get('socket') ?? null;
  if (host === '' && socket === null) throw new UsageError(`the database URL names no host: write ${FORM}`);
  return {
    host: host === '' ? 'localhost' : host,
    port: parsed.port === '' ? DEFAULT_PORT : Number(parsed.port),
    socket,
    user,
    password: decode(parsed.password, 'password'),
    database,
    ...tlsOf(parameters.get('ssl-mode') ?? parameters.get('sslmode') ?? 'preferred'),
  };
}

function parse(url: string): URL {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(url)?.[1];
  if (scheme === undefined) throw new UsageError(`the database URL has no scheme: write ${FORM}`);
  if (!SCHEMES.includes(scheme.toLowerCase()))
    throw new UsageError(`"${scheme}://" is no URL of MySQL or MariaDB: write ${FORM}`);
  // A user without a host, as a socket may be written, is refused by the WHATWG parser.
  const parsed = URL.parse(url.replace(/^([^/]*:\/\/[^/@?]*@)(?=[/?]|$)/, '$1localhost'));
  if (parsed === null)
    throw new UsageError(
      `the database URL cannot be read: write ${FORM}, with one host, and special characters of the password as %XX`,
    );
  return parsed;
}

function readParameters(parsed: URL): ReadonlyMap<string, string> {
  for (const name of parsed.searchParams.keys())
    if (!PARAMETERS.includes(name))
      throw new UsageError(
        `the parameter "${name}" of the database URL is not supported: remove it (supported: socket, ssl-mode; ` +
          'certificates of your own authority come from NODE_EXTRA_CA_CERTS)',
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

function tlsOf(mode: string): { tls: boolean; verifyTls: boolean } {
  const tls = TLS_MODES[mode.toLowerCase().replace('-', '_')];
  if (tls === undefined)
    throw new UsageError(`ssl-mode "${mode}" is unknown: write one of ${Object.keys(TLS_MODES).join(', ')}`);
  return tls;
}
