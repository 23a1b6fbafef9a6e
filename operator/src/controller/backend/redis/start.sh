#!/bin/sh
# Writes the users from the Secret's current values, then becomes the server.
set -eu
umask 077
hash=$(printf %s "$REDIS_PASSWORD" | sha256sum | cut -d ' ' -f 1)
{
  echo "user default off resetpass -@all"
  echo "user realtime on #$hash ~* &* +@all -@admin -@dangerous +info"
} > /run/redis/users.acl
unset REDIS_PASSWORD REDISCLI_AUTH
exec redis-server /etc/realtime/redis.conf --maxmemory "$REDIS_MAXIMUM_MEMORY"
