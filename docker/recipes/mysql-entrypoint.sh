#!/bin/bash
# Starts MySQL or MariaDB as the official images do: MYSQL_ROOT_PASSWORD, MYSQL_ROOT_HOST, MYSQL_DATABASE, MYSQL_USER and
# MYSQL_PASSWORD (each also as MARIADB_... and with _FILE), MYSQL_ALLOW_EMPTY_PASSWORD, and arguments as
# `mysqld --x=y` or `--x=y`. On an empty data directory: it is made, then a server without network for the accounts, the
# database and /docker-entrypoint-initdb.d, then the real one, so that "ready for connections" is logged twice.
set -euo pipefail

readonly DATA=/var/lib/mysql

fail() {
  printf 'docker-entrypoint: %s\n' "$1" >&2
  exit 1
}

# Prints the value of a variable: MYSQL_$1 or MARIADB_$1, or the file that one of them with _FILE names.
variable() {
  local prefix name file_name
  for prefix in MARIADB MYSQL; do
    name=${prefix}_$1 file_name=${prefix}_$1_FILE
    if [ -n "${!name:-}" ]; then
      printf '%s' "${!name}"
      return
    elif [ -n "${!file_name:-}" ]; then
      cat "${!file_name}"
      return
    fi
  done
}

# A text as an SQL literal, with NO_BACKSLASH_ESCAPES on.
literal() {
  printf "'%s'" "${1//\'/\'\'}"
}

accounts() {
  local password database user user_password host
  password=$(variable ROOT_PASSWORD)
  host=$(variable ROOT_HOST)
  host=${host:-%}
  printf "set sql_mode = concat(@@sql_mode, ',NO_BACKSLASH_ESCAPES');\n"
  if [ "$host" != localhost ]; then
    printf 'create user root@%s identified by %s;\n' "$(literal "$host")" "$(literal "$password")"
    printf 'grant all privileges on *.* to root@%s with grant option;\n' "$(literal "$host")"
  fi
  database=$(variable DATABASE)
  if [ -n "$database" ]; then
    printf 'create database if not exists `%s`;\n' "${database//\`/\`\`}"
  fi
  user=$(variable USER)
  user_password=$(variable PASSWORD)
  if [ -n "$user" ] && [ -n "$user_password" ]; then
    printf "create user %s@'%%' identified by %s;\n" "$(literal "$user")" "$(literal "$user_password")"
    if [ -n "$database" ]; then
      printf "grant all on \`%s\`.* to %s@'%%';\n" "${database//\`/\`\`}" "$(literal "$user")"
    fi
  fi
  printf 'alter user root@localhost identified by %s;\n' "$(literal "$password")"
}

make_data_directory() {
  if [ "$flavor" = mariadb ]; then
    mariadb-install-db --datadir="$DATA" --auth-root-authentication-method=normal --skip-test-db \
      --skip-log-bin
  else
    "$@" --initialize-insecure
  fi
}

first_start() {
  if [ -z "$(variable ROOT_PASSWORD)" ] && [ -z "$(variable ALLOW_EMPTY_PASSWORD)" ]; then
    fail 'set MYSQL_ROOT_PASSWORD to a password for root (or MYSQL_ALLOW_EMPTY_PASSWORD=yes)'
  fi
  make_data_directory "$@"
  local socket=/run/mysqld/mysqld.sock client=mysql
  [ "$flavor" = mariadb ] && client=mariadb
  "$@" --skip-networking --socket="$socket" &
  local server=$! attempt
  for attempt in $(seq 120); do
    "$client" --no-defaults --user=root --socket="$socket" --execute='select 1' >/dev/null 2>&1 && break
    kill -0 "$server" 2>/dev/null || fail 'the server for the first settings ended; see its log above'
    [ "$attempt" -lt 120 ] || fail 'the server for the first settings does not answer'
    sleep 0.25
  done
  accounts | "$client" --no-defaults --user=root --socket="$socket"

  local password file
  password=$(variable ROOT_PASSWORD)
  local run=("$client" --no-defaults --user=root --socket="$socket")
  for file in /docker-entrypoint-initdb.d/*; do
    case $file in
      *.sh) if [ -x "$file" ]; then "$file"; else . "$file"; fi ;;
      *.sql) MYSQL_PWD=$password "${run[@]}" "$(variable DATABASE)" <"$file" ;;
      *.sql.gz) gunzip -c "$file" | MYSQL_PWD=$password "${run[@]}" "$(variable DATABASE)" ;;
    esac
  done
  MYSQL_PWD=$password "${run[@]}" --execute=shutdown
  wait "$server"
  printf '\nInit process done. Ready for start up.\n\n'
}

if [ "${1:0:1}" = - ]; then
  if command -v mariadbd >/dev/null; then set -- mariadbd "$@"; else set -- mysqld "$@"; fi
fi

case ${1:-} in
  mariadbd | mysqld)
    flavor=mysql
    command -v mariadbd >/dev/null && flavor=mariadb
    if [ "$(id -u)" = 0 ]; then
      mkdir -p "$DATA" /run/mysqld
      find "$DATA" /run/mysqld \! -user mysql -exec chown mysql '{}' +
      exec setpriv --reuid=mysql --regid=mysql --init-groups "$BASH_SOURCE" "$@"
    fi
    if [ ! -d "$DATA/mysql" ]; then
      first_start "$@"
    fi
    ;;
esac

exec "$@"
