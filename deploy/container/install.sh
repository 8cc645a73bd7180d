#!/bin/sh
# The steps that fill the image; the Dockerfile beside this says when each is run.
set -eu

program_folder=/opt/holdfast

usage() {
  echo 'usage: install.sh dependencies | program | system' >&2
  exit 2
}

# In a folder with package.json and the lock: what the program is compiled with, and what it needs later. No script of any package is run.
dependencies() {
  node -e 'if (+process.versions.node.split(".")[0] < 24) throw new Error("Node 24 is needed, and this is " + process.version)'
  npm ci --ignore-scripts --workspaces=false --no-audit --no-fund --no-update-notifier --loglevel=error
}

# In a clone with its dependencies: compiles it, and lays the package out with only what it needs to run.
program() {
  node --disable-warning=ExperimentalWarning scripts/build.ts
  npm pack --ignore-scripts --silent --pack-destination /tmp
  mkdir -p "$program_folder"
  tar -xzf /tmp/holdfast-*.tgz -C "$program_folder" --strip-components=1 --no-same-owner
  npm prune --omit=dev --ignore-scripts --workspaces=false --no-audit --no-fund --loglevel=error
  mv node_modules "$program_folder/node_modules"
  find "$program_folder/node_modules" -type d -empty -delete
  cp deploy/container/health.sh "$program_folder/health.sh"
  chmod -R u=rwX,go=rX "$program_folder"
}

# In the image itself. POSTGRESQL_CLIENTS, POSTGRESQL_REPOSITORY, EXTRA_PACKAGES: see the Dockerfile.
system() {
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -q
  install_packages ca-certificates git gpg gpg-agent openssh-client redis-tools tini tzdata
  if [ -n "${POSTGRESQL_REPOSITORY:-}" ]; then add_postgresql_repository "$POSTGRESQL_REPOSITORY"; fi
  install_postgresql_clients
  # shellcheck disable=SC2086 # several words
  if [ -n "${EXTRA_PACKAGES:-}" ]; then install_packages $EXTRA_PACKAGES; fi
  rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/*-old /var/log/apt /var/log/dpkg.log /var/log/alternatives.log
  add_user
}

install_packages() {
  apt-get install -q -y --no-install-recommends "$@"
}

# The key of that repository is in a package of Debian's own, so that nothing is trusted that came over the network just now.
add_postgresql_repository() {
  folder=$(mktemp -d)
  chmod 755 "$folder"
  (cd "$folder" && apt-get download -q -o APT::Sandbox::User=root postgresql-common && dpkg-deb -x postgresql-common_*.deb .)
  key=/usr/share/keyrings/postgresql.asc
  cp "$folder/usr/share/postgresql-common/pgdg/apt.postgresql.org.asc" "$key"
  rm -rf "$folder"
  # shellcheck disable=SC1091
  codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
  echo "deb [signed-by=$key] $1 $codename-pgdg main" >/etc/apt/sources.list.d/postgresql.list
  apt-get update -q
}

# All that are wanted where the PostgreSQL project's repository is used; else those of them that the base has.
install_postgresql_clients() {
  found=
  for version in ${POSTGRESQL_CLIENTS:-}; do
    if apt-cache show "postgresql-client-$version" >/dev/null 2>&1; then
      found="$found postgresql-client-$version"
    else
      echo "postgresql-client-$version is not to be had here" >&2
      if [ -n "${POSTGRESQL_REPOSITORY:-}" ]; then exit 1; fi
    fi
  done
  if [ -z "$found" ]; then
    echo 'there would be no PostgreSQL client at all' >&2
    exit 1
  fi
  # shellcheck disable=SC2086 # several words
  install_packages $found
}

# A fixed number, so that volumes and manifests can name it. The folders belong to the group 0 too: a container that is told to run as a number
# nobody knows has that group.
add_user() {
  groupadd --gid 10001 holdfast
  useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/holdfast --shell /usr/sbin/nologin holdfast
  for folder in /var/lib/holdfast /var/cache/holdfast /var/tmp/holdfast /backups; do
    mkdir -p "$folder"
    chown 10001:0 "$folder"
    chmod 0770 "$folder"
  done
  mkdir -p /etc/holdfast
  ln -s "$program_folder/dist/cli/main.js" /usr/local/bin/holdfast
}

case "${1:-}" in
  dependencies | program | system) "$1" ;;
  *) usage ;;
esac
