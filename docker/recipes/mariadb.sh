# MariaDB from Debian packages. Read by build-image.sh; see the functions' names there.

recipe_versions() {
  echo '10.11 (bookworm), 11.8 (trixie)'
}

recipe_suite() {
  case $1 in
    10.11) echo bookworm ;;
    11.8) echo trixie ;;
    *) return 1 ;;
  esac
}

recipe_packages() {
  echo 'mariadb-server-core,mariadb-client-core,tzdata'
}

recipe_files() {
  mkdir -p "$2/before" "$2/after/usr/local/bin" "$2/after/etc/mysql/conf.d"
  cp "$3/mysql-entrypoint.sh" "$2/after/usr/local/bin/docker-entrypoint.sh"
  chmod 755 "$2/after/usr/local/bin/docker-entrypoint.sh"
  cat >"$2/after/etc/mysql/my.cnf" <<'SETTINGS'
[mariadbd]
host-cache-size=0
skip-name-resolve
datadir=/var/lib/mysql
socket=/run/mysqld/mysqld.sock
user=mysql
pid-file=/run/mysqld/mariadbd.pid

[client]
socket=/run/mysqld/mysqld.sock

!includedir /etc/mysql/conf.d/
SETTINGS
  cat >"$2/after/rehearse-customize.sh" <<'CUSTOMIZE'
set -e
groupadd --system --gid 999 mysql
useradd --system --uid 999 --gid 999 --home-dir /var/lib/mysql --no-create-home --shell /bin/false mysql
install -d -o mysql -g mysql -m 1777 /var/lib/mysql /run/mysqld
mkdir -p /docker-entrypoint-initdb.d
rm -rf /var/lib/apt/lists/* /var/cache/apt/*
CUSTOMIZE
}

recipe_changes() {
  cat <<CHANGES
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
ENV MARIADB_MAJOR=$1
VOLUME ["/var/lib/mysql"]
EXPOSE 3306
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["mariadbd"]
CHANGES
}
