# MySQL from Debian packages. Read by build-image.sh; see the functions' names there.

recipe_versions() {
  echo '9.7 (unstable)'
}

recipe_suite() {
  case $1 in
    9 | 9.7) echo unstable ;;
    *) return 1 ;;
  esac
}

recipe_packages() {
  # The -core packages bring no maintainer scripts that would make a data directory.
  echo 'mysql-server-core,mysql-client-core,tzdata'
}

recipe_files() {
  mkdir -p "$2/before" "$2/after/usr/local/bin" "$2/after/etc/mysql/conf.d"
  cp "$3/mysql-entrypoint.sh" "$2/after/usr/local/bin/docker-entrypoint.sh"
  chmod 755 "$2/after/usr/local/bin/docker-entrypoint.sh"
  # As in the official image: no name look-ups, no files outside of one folder.
  cat >"$2/after/etc/mysql/my.cnf" <<'SETTINGS'
[mysqld]
host-cache-size=0
skip-name-resolve
datadir=/var/lib/mysql
socket=/var/run/mysqld/mysqld.sock
secure-file-priv=/var/lib/mysql-files
user=mysql
pid-file=/var/run/mysqld/mysqld.pid

[client]
socket=/var/run/mysqld/mysqld.sock

!includedir /etc/mysql/conf.d/
SETTINGS
  cat >"$2/after/rehearse-customize.sh" <<'CUSTOMIZE'
set -e
groupadd --system --gid 999 mysql
useradd --system --uid 999 --gid 999 --home-dir /var/lib/mysql --no-create-home --shell /bin/false mysql
install -d -o mysql -g mysql -m 1777 /var/lib/mysql /run/mysqld
install -d -o mysql -g mysql -m 750 /var/lib/mysql-files
mkdir -p /docker-entrypoint-initdb.d
rm -rf /var/lib/apt/lists/* /var/cache/apt/*
CUSTOMIZE
}

recipe_changes() {
  cat <<CHANGES
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
ENV MYSQL_MAJOR=$1
VOLUME ["/var/lib/mysql"]
EXPOSE 3306 33060
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["mysqld"]
CHANGES
}
