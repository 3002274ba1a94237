#!/bin/sh
# Builds a database server image from Debian packages, for machines that reach a Debian mirror but no image registry.
#
#   docker/build-image.sh [--force] ENGINE VERSION [TAG]      e.g.  docker/build-image.sh postgres 17
#
# The image keeps the contract of the official one of the same name: environment, port, data directory, arguments and
# the log line that says it is ready. What differs between engines is in recipes/ENGINE.sh.
# An image that exists already is kept, unless --force is given or these scripts have changed since it was built. Needs root, mmdebstrap and a Docker engine.
# The mirror is asked of apt itself; where apt knows no Debian archive, DEBIAN_MIRROR=URL names one.
set -eu
umask 022

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)

fail() {
  printf 'build-image: %s\n' "$1" >&2
  exit "${2:-1}"
}

usage() {
  printf 'usage: docker/build-image.sh [--force] ENGINE VERSION [TAG]\n' >&2
  for recipe in "$here"/recipes/*.sh; do
    (
      . "$recipe"
      printf '  %-9s %s\n' "$(basename "$recipe" .sh)" "$(recipe_versions)" >&2
    )
  done
  exit 2
}

# Prints the mirror to use for suite $1: the one that apt has for it, else the one of the machine's own main archive.
mirror_of() {
  if [ -n "${DEBIAN_MIRROR:-}" ]; then
    printf '%s\n' "$DEBIAN_MIRROR"
    return
  fi
  exact=$(apt-get indextargets --format '$(REPO_URI)' \
    'Identifier: Packages' 'Origin: Debian' "Codename: $1" | head -n 1)
  if [ -n "$exact" ]; then
    printf '%s\n' "$exact"
    return
  fi
  # Main archives have a codename of one word; bookworm-updates and bookworm-security live elsewhere or lack packages.
  apt-get indextargets --format '$(CODENAME) $(REPO_URI)' 'Identifier: Packages' 'Origin: Debian' |
    awk '$1 !~ /-/ { print $2; exit }'
}

force=no
if [ "${1:-}" = --force ]; then
  force=yes
  shift
fi
[ $# -ge 2 ] && [ $# -le 3 ] || usage
engine=$1
version=$2
tag=${3:-$engine:$version}
[ -f "$here/recipes/$engine.sh" ] || usage
. "$here/recipes/$engine.sh"

suite=$(recipe_suite "$version") ||
  fail "no Debian suite has $engine \"$version\"; there are: $(recipe_versions)" 2

command -v docker >/dev/null || fail 'docker is not installed' 3
docker info >/dev/null 2>&1 || fail 'the Docker engine does not answer; start it first' 3
recipe=$(cat "$0" "$here"/recipes/* | sha256sum | cut -c 1-16)
if [ "$force" = no ] && made_from=$(docker image inspect --format '{{index .Config.Labels "rehearse.recipe"}}' "$tag" 2>/dev/null); then
  # An image of somebody else has no such label, and is not ours to replace.
  if [ "$made_from" = "$recipe" ] || [ -z "$made_from" ]; then
    printf '%s exists already; --force builds it again\n' "$tag" >&2
    exit 0
  fi
  printf '%s was made by other scripts than these\n' "$tag" >&2
fi
[ "$(id -u)" = 0 ] || fail 'run as root: the files of the image belong to several users' 3
command -v mmdebstrap >/dev/null || fail 'mmdebstrap is not installed; apt-get install mmdebstrap' 3
mirror=$(mirror_of "$suite")
[ -n "$mirror" ] || fail 'apt knows no Debian archive here; set DEBIAN_MIRROR to one' 3

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
started=$(date +%s)
printf 'building %s from Debian %s\n' "$tag" "$suite" >&2

# Release files of a mirror's snapshot of unstable may be out of date: allowed for that suite only.
valid_until=true
[ "$suite" = unstable ] && valid_until=false

mkdir "$work/files"
recipe_files "$version" "$work/files" "$here/recipes"
mmdebstrap --quiet --variant=minbase \
  --aptopt="Acquire::Check-Valid-Until \"$valid_until\"" \
  --aptopt='APT::Install-Recommends "false"' \
  --dpkgopt='force-confold' \
  --dpkgopt='path-exclude=/usr/share/man/*' \
  --dpkgopt='path-exclude=/usr/share/doc/*' \
  --include="$(recipe_packages "$version")" \
  --essential-hook="copy-in $work/files/before/. /" \
  --customize-hook="copy-in $work/files/after/. /" \
  --customize-hook="chroot \"\$1\" /bin/sh /rehearse-customize.sh" \
  --customize-hook='rm "$1/rehearse-customize.sh"' \
  "$suite" "$work/root.tar" "$mirror" >"$work/log" 2>&1 || {
  tail -n 30 "$work/log" >&2
  fail "mmdebstrap could not make Debian $suite with $(recipe_packages "$version")" 3
}

replaced=$(docker image inspect --format '{{.Id}}' "$tag" 2>/dev/null || true)
# One --change per line of the recipe.
set --
while IFS= read -r change; do
  set -- "$@" --change "$change"
done <<CHANGES
$(recipe_changes "$version")
CHANGES
docker import "$@" --change "LABEL rehearse.recipe=$recipe" --message "Debian $suite packages, made by docker/build-image.sh" "$work/root.tar" "$tag" >/dev/null
# It stays while a container uses it.
[ -z "$replaced" ] || docker image rm "$replaced" >/dev/null 2>&1 || true

printf 'built %s in %s s\n' "$tag" "$(($(date +%s) - started))" >&2
