"""Posts track events as any Kafka client would: librdkafka, fastavro, and the schema as the registry has it.

usage: produce.py BROKERS REGISTRY_URL CODEC FIRST COUNT
"""

import json
import struct
import sys
import urllib.request
from io import BytesIO

import fastavro
from confluent_kafka import Producer

brokers, registry, codec, first, count = sys.argv[1:]
with urllib.request.urlopen(f"{registry}/subjects/track.raw-value/versions/latest") as answer:
    latest = json.load(answer)
schema = fastavro.parse_schema(json.loads(latest["schema"]))

producer = Producer({"bootstrap.servers": brokers, "compression.codec": codec, "enable.idempotence": True})
failed = []
for number in range(int(first), int(first) + int(count)):
    event = {
        "event_id": f"foreign-{number}",
        "type": "track",
        "event_name": "Ride Started",
        "anonymous_id": f"rider-{number % 7}",
        "occurred_at": 1357041600000 + number * 1000,
        "received_at": 1357041601000 + number * 1000,
        "city": "JFK",
        "properties": json.dumps({"codec": codec}),
    }
    value = BytesIO()
    value.write(struct.pack(">bI", 0, latest["id"]))
    fastavro.schemaless_writer(value, schema, event)
    producer.produce(
        "track.raw",
        key=event["anonymous_id"],
        value=value.getvalue(),
        on_delivery=lambda error, _: failed.append(str(error)) if error else None,
    )
producer.flush(30)
print(json.dumps({"sent": int(count), "failed": failed}))
sys.exit(bool(failed))
