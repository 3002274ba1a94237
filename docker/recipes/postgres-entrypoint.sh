#!/bin/bash
# Starts Postgres as the official image does: POSTGRES_PASSWORD, POSTGRES_USER, POSTGRES_DB, POSTGRES_INITDB_ARGS and
# POSTGRES_HOST_AUTH_METHOD (the first three also with _FILE), PGDATA, and arguments as `postgres -c x=y` or `-c x=y`.
# On an empty data directory: initdb, a server on the socket alone for the database and /docker-entrypoint-initdb.d,
# then the real one, so that "ready to accept connections" is logged twice.
set -euo pipefail

fail() {
  printf 'docker-entrypoint: %s\n' "$1" >&2
  exit 1
}

# Takes NAME from the file that NAME_FILE names, when that is set.
from_file() {
  local name=$1 file_name="$1_FILE"
  if [ -n "${!file_name:-}" ]; then
    [ -z "${!name:-}" ] || fail "both $name and $file_name are set"
    export "$name"="$(<"${!file_name}")"
    unset "$file_name"
  fi
}

first_start() {
  if [ -z "${POSTGRES_PASSWORD:-}" ] && [ "${POSTGRES_HOST_AUTH_METHOD:-}" != trust ]; then
    fail 'set POSTGRES_PASSWORD to a password for the superuser (or POSTGRES_HOST_AUTH_METHOD=trust)'
  fi
  # shellcheck disable=SC2086 — the arguments are meant to be split
  initdb --username="$POSTGRES_USER" --pwfile=<(printf '%s\n' "${POSTGRES_PASSWORD:-}") ${POSTGRES_INITDB_ARGS:-}
  local method
  method=$(postgres -C password_encryption "$@" 2>/dev/null || echo scram-sha-256)
  case $method in on | md5) method=md5 ;; *) method=scram-sha-256 ;; esac
  printf '\nhost all all all %s\n' "${POSTGRES_HOST_AUTH_METHOD:-$method}" >>"$PGDATA/pg_hba.conf"

  export PGPASSWORD=${POSTGRES_PASSWORD:-}
  pg_ctl --wait --pgdata="$PGDATA" --options="-c listen_addresses='' -p 5432" start
  local psql=(psql -v ON_ERROR_STOP=1 --username="$POSTGRES_USER" --no-password --no-psqlrc)
  if [ "$POSTGRES_DB" != postgres ]; then
    "${psql[@]}" --dbname=postgres --set db="$POSTGRES_DB" <<<'create database :"db"'
  fi
  local file
  for file in /docker-entrypoint-initdb.d/*; do
    case $file in
      *.sh) if [ -x "$file" ]; then "$file"; else . "$file"; fi ;;
      *.sql) "${psql[@]}" --dbname="$POSTGRES_DB" --file="$file" ;;
      *.sql.gz) gunzip -c "$file" | "${psql[@]}" --dbname="$POSTGRES_DB" ;;
    esac
  done
  pg_ctl --mode=fast --wait --pgdata="$PGDATA" stop
  unset PGPASSWORD
  printf '\nPostgreSQL init process complete; ready for start up.\n\n'
}

if [ "${1:0:1}" = - ]; then
  set -- postgres "$@"
fi

if [ "${1:-}" = postgres ]; then
  if [ "$(id -u)" = 0 ]; then
    mkdir -p "$PGDATA" /var/run/postgresql
    find "$PGDATA" \! -user postgres -exec chown postgres '{}' +
    chmod 700 "$PGDATA"
    find /var/run/postgresql \! -user postgres -exec chown postgres '{}' +
    chmod 3775 /var/run/postgresql
    exec setpriv --reuid=postgres --regid=postgres --init-groups "$BASH_SOURCE" "$@"
  fi
  from_file POSTGRES_PASSWORD
  from_file POSTGRES_USER
  from_file POSTGRES_DB
  export POSTGRES_USER=${POSTGRES_USER:-postgres}
  export POSTGRES_DB=${POSTGRES_DB:-$POSTGRES_USER}
  if [ ! -s "$PGDATA/PG_VERSION" ]; then
    first_start "${@:2}"
  fi
fi

exec "$@"
