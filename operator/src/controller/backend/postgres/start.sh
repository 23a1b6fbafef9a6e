#!/bin/sh
# Initializes an empty volume, sets the role's password over the local socket, then becomes the server.
set -eu
umask 077
# The first process of a container ignores what it does not handle.
trap 'exit 143' TERM INT
data=/var/lib/postgresql/data
pgdata=$data/pgdata

# An initialization that was cut off leaves only a directory that is thrown away.
if [ ! -f "$pgdata/PG_VERSION" ]; then
  rm -rf "$data/initializing"
  "$POSTGRES_PROGRAMS/initdb" --pgdata="$data/initializing" --username=postgres --encoding=UTF8 --locale=C.UTF-8 \
    --data-checksums --auth-local=peer --auth-host=scram-sha-256
  mv "$data/initializing" "$pgdata"
fi
"$POSTGRES_PROGRAMS/pg_ctl" start --pgdata="$pgdata" --wait --timeout=3600 --silent \
  --options="-c config_file=/etc/realtime/postgresql.conf -c listen_addresses=''"
"$POSTGRES_PROGRAMS/psql" --no-psqlrc --quiet --host=/var/run/postgresql --username=postgres --dbname=postgres \
  --file=/etc/realtime/role.sql
"$POSTGRES_PROGRAMS/pg_ctl" stop --pgdata="$pgdata" --mode=fast --wait --silent
unset POSTGRES_PASSWORD
exec "$POSTGRES_PROGRAMS/postgres" -D "$pgdata" -c config_file=/etc/realtime/postgresql.conf
