"""Posts one event to track.raw with confluent-kafka (librdkafka). Needs KAFKA_BROKERS and SCHEMA_REGISTRY_URL."""

import json
import os
import time
import uuid

from confluent_kafka import Producer
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

topic = "track.raw"
registry = SchemaRegistryClient({"url": os.environ["SCHEMA_REGISTRY_URL"]})
schema = registry.get_latest_version(f"{topic}-value").schema
encode = AvroSerializer(registry, schema, conf={"auto.register.schemas": False, "use.latest.version": True})
producer = Producer(
    {
        "bootstrap.servers": os.environ["KAFKA_BROKERS"],
        "client.id": "example-python",
        "enable.idempotence": True,  # and with it acks=all
        "partitioner": "murmur2_random",  # librdkafka's own default is another one than Kafka's
        "compression.codec": "zstd",
    }
)

now_ms = time.time_ns() // 1_000_000
# The schema's other fields have defaults.
event = {
    "event_id": str(uuid.uuid4()),
    "type": "track",
    "event_name": "Ride Started",
    "user_id": "rider-7",
    "occurred_at": now_ms,
    "received_at": now_ms,
    "city": "Zurich",
    "properties": json.dumps({"from": "python"}),
}


def delivered(error, message):
    """Called from flush, when Kafka has the event or has refused it."""
    if error:
        raise SystemExit(f"not delivered: {error}")
    print(json.dumps({"event_id": event["event_id"], "partition": message.partition()}))


value = encode(event, SerializationContext(topic, MessageField.VALUE))
producer.produce(topic, key=event["user_id"], value=value, on_delivery=delivered)
if producer.flush(30) > 0:
    raise SystemExit("not delivered within 30 s")
