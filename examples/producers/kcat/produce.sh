#!/bin/sh
# Posts one event to track.raw with kcat. Needs KAFKA_BROKERS and SCHEMA_REGISTRY_URL, curl and kcat.
# usage: produce.sh KEY [KCAT_OPTION…] < EVENT.avro
#
# kcat sends bytes as they are; it can't write Avro. So the event comes encoded, in Avro binary without any header, by the
# schema that the registry has as the latest for track.raw-value; encode.py writes such bytes. This adds the wire format's
# header: a zero byte and the schema's id in four bytes.
set -eu

topic=track.raw
key=$1
shift
answer=$(curl -sSf "$SCHEMA_REGISTRY_URL/subjects/$topic-value/versions/latest")
id=$(printf '%s' "$answer" | grep -o '"id":[0-9]*' | head -n 1 | cut -d : -f 2)

value=$(mktemp)
trap 'rm -f "$value"' EXIT
for shift in 32 24 16 8 0; do
  printf "\\$(printf %03o $((id >> shift & 255)))"
done > "$value"
cat >> "$value"

# A file's content is one message; with lines on standard input, bytes 0x0a would cut it. librdkafka's own partitioner is
# another one than Kafka's.
kcat -P -b "$KAFKA_BROKERS" -t "$topic" -k "$key" \
  -X enable.idempotence=true -X partitioner=murmur2_random "$@" "$value"
