# Postgres from Debian packages. Read by build-image.sh; see the functions' names there.

recipe_versions() {
  echo '13 (bullseye), 15 (bookworm), 17 (trixie), 18 (unstable)'
}

recipe_suite() {
  case $1 in
    13) echo bullseye ;;
    15) echo bookworm ;;
    17) echo trixie ;;
    18) echo unstable ;;
    *) return 1 ;;
  esac
}

recipe_packages() {
  # locales: for en_US.utf8, in which the official image makes its databases.
  echo "postgresql-$1,locales"
}

# Files that must be there before the packages ($2/before) and after them ($2/after); $3 is the folder of the recipes.
recipe_files() {
  mkdir -p "$2/before/etc/postgresql-common" "$2/after/usr/local/bin"
  # The package would make a cluster of its own otherwise.
  echo 'create_main_cluster = false' >"$2/before/etc/postgresql-common/createcluster.conf"
  cp "$3/postgres-entrypoint.sh" "$2/after/usr/local/bin/docker-entrypoint.sh"
  chmod 755 "$2/after/usr/local/bin/docker-entrypoint.sh"
  cat >"$2/after/rehearse-customize.sh" <<'CUSTOMIZE'
set -e
localedef -i en_US -c -f UTF-8 en_US.UTF-8
install -d -o postgres -g postgres -m 3775 /var/run/postgresql
install -d -o postgres -g postgres -m 1777 /var/lib/postgresql
mkdir -p /docker-entrypoint-initdb.d
# As the official image has it: else the server is reached from inside its own container only.
for sample in /usr/share/postgresql/*/postgresql.conf.sample /usr/share/postgresql/postgresql.conf.sample; do
  if [ -f "$sample" ]; then
    sed -ri "s!^#?(listen_addresses)\s*=\s*\S+.*!\1 = '*'!" "$sample"
  fi
done
rm -rf /var/lib/apt/lists/* /var/cache/apt/*
CUSTOMIZE
}

recipe_changes() {
  # From 18 on the official image keeps its data below a folder of the major, with the volume above it.
  if [ "$1" -ge 18 ]; then
    data="/var/lib/postgresql/$1/docker" volume=/var/lib/postgresql
  else
    data=/var/lib/postgresql/data volume=/var/lib/postgresql/data
  fi
  cat <<CHANGES
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/usr/lib/postgresql/$1/bin
ENV LANG=en_US.utf8
ENV PG_MAJOR=$1
ENV PGDATA=$data
VOLUME ["$volume"]
EXPOSE 5432
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["postgres"]
CHANGES
}
