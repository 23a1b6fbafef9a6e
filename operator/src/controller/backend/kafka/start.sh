#!/bin/sh
# Writes the users from the Secret's current values, formats an empty volume, then becomes the broker.
set -eu
umask 077
# The first process of a container ignores what it does not handle.
trap 'exit 143' TERM INT
data=/var/lib/kafka/data
config=/run/kafka/server.properties
login=org.apache.kafka.common.security.plain.PlainLoginModule

{
  cat /etc/realtime/server.properties
  for listener in client controller; do
    printf 'listener.name.%s.plain.sasl.jaas.config=%s required username="broker" password="%s" user_broker="%s" user_realtime="%s";\n' \
      "$listener" "$login" "$KAFKA_BROKER_PASSWORD" "$KAFKA_BROKER_PASSWORD" "$KAFKA_PASSWORD"
  done
} > "$config"
unset KAFKA_PASSWORD KAFKA_BROKER_PASSWORD

set -- "$KAFKA_HEAP" -XX:+ExitOnOutOfMemoryError -Dlog4j2.configurationFile=/etc/realtime/log4j2.properties -cp '/opt/kafka/libs/*'

# A format that was cut off leaves only a directory that is thrown away.
if [ ! -f "$data/log/meta.properties" ]; then
  rm -rf "$data/formatting"
  sed "s|^log.dirs=.*|log.dirs=$data/formatting|" "$config" > /run/kafka/format.properties
  java "$@" kafka.tools.StorageTool format --standalone --cluster-id "$KAFKA_CLUSTER_ID" --config /run/kafka/format.properties
  mv "$data/formatting" "$data/log"
fi
exec java "$@" kafka.Kafka "$config"
