#!/bin/sh
# Northstar Timesheet on a host without Docker: does what docker-compose.yml says of containers, with the settings of the same .env.
#
#   application.sh web       whether app.py can run here: it needs python3 with psycopg2, as root one that www-data can run
#   application.sh migrate   brings the schema up to date: app.py does, or psql where app.py cannot run
#   application.sh start     app.py in the background; its process and its log are in RUN_FOLDER
#   application.sh check     whether the schema is the newest, and every attachment is the one that its row tells
set -eu
cd "$(dirname "$0")"
set -a
. ./.env
set +a
export UPLOADS="$PWD/uploads" PORT="$WEB_PORT"
export PGHOST=127.0.0.1 PGPORT="$DB_PORT" PGUSER="$POSTGRES_USER" PGPASSWORD="$POSTGRES_PASSWORD" PGDATABASE="$POSTGRES_DB"
export PGOPTIONS='-c client_min_messages=warning'

# app.py leaves root behind, and then its python3 must still be able to read its own library.
runs_application() {
  set -- "$1" -c 'import psycopg2, encodings.idna'
  [ "$(id -u)" != 0 ] || set -- setpriv --reuid=33 --regid=33 --clear-groups "$@"
  "$@" 2>/dev/null
}

# Debian's python3 has Debian's psycopg2, even where another python3 comes first.
for python in python3 /usr/bin/python3; do
  runs_application "$python" && break
  python=
done

ask() {
  psql --no-psqlrc --no-align --tuples-only --quiet --set=ON_ERROR_STOP=1 "$@"
}

migrate_with_psql() {
  ask --command='CREATE TABLE IF NOT EXISTS schema_migrations
    (version integer PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())'
  for file in app/migrations/[0-9][0-9][0-9]-*.sql; do
    name=$(basename "$file" .sql)
    version=${name%%-*}
    known=$(ask --command="SELECT name FROM schema_migrations WHERE version = '$version'::integer")
    [ -z "$known" ] || continue
    ask --single-transaction --file="$file" --command="INSERT INTO schema_migrations (version, name) VALUES ('$version'::integer, '$name')"
    echo "applied $name"
  done
}

check() {
  newest=$(cd app/migrations && ls | sort | tail -n 1)
  [ "$(ask --command='SELECT name FROM schema_migrations ORDER BY version DESC LIMIT 1')" = "${newest%.sql}" ]
  ask --field-separator='  ' --command='SELECT sha256, path FROM attachments' | (cd uploads && sha256sum --check --quiet --strict -)
}

case $1 in
  web) [ -n "$python" ] ;;
  migrate) if [ -n "$python" ]; then "$python" app/app.py migrate; else migrate_with_psql; fi ;;
  start)
    mkdir -p "$RUN_FOLDER"
    setsid "$python" app/app.py serve >"$RUN_FOLDER/web.log" 2>&1 </dev/null &
    echo $! >"$RUN_FOLDER/web.pid"
    ;;
  check) check ;;
  *) exit 2 ;;
esac
