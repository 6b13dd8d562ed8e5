"""Posts readings with a schema of its own, as fastavro encodes it: longs of 64 bits and times in microseconds.

usage: produce_readings.py BROKERS REGISTRY_URL < JSON

The JSON has `schema`, its `subject`, `prefixed` (whether the schema's id is in the value, or a GUID in a header) and `readings`, each with
`record`, whose longs are texts, `key` and `partition`.
"""

import json
import struct
import sys
import urllib.parse
import urllib.request
from io import BytesIO

import fastavro
from confluent_kafka import Producer

brokers, registry = sys.argv[1:]
task = json.load(sys.stdin)
request = urllib.request.Request(
    f"{registry}/subjects/{urllib.parse.quote(task['subject'])}/versions",
    json.dumps({"schema": json.dumps(task["schema"])}).encode(),
    {"content-type": "application/json"},
)
with urllib.request.urlopen(request) as answer:
    schema_id = json.load(answer)["id"]
schema = fastavro.parse_schema(task["schema"])

producer = Producer({"bootstrap.servers": brokers, "enable.idempotence": True})
failed = []
for reading in task["readings"]:
    value = BytesIO()
    headers = []
    if task["prefixed"]:
        value.write(struct.pack(">bI", 0, schema_id))
    else:
        headers = [("__value_schema_id", b"\x01" + bytes(range(200, 216)))]
    record = {name: int(text) for name, text in reading["record"].items()}
    fastavro.schemaless_writer(value, schema, record)
    place = {} if reading.get("partition") is None else {"partition": reading["partition"]}
    producer.produce(
        "readings.raw",
        key=reading["key"],
        value=value.getvalue(),
        headers=headers,
        on_delivery=lambda error, _: failed.append(str(error)) if error else None,
        **place,
    )
producer.flush(30)
if failed:
    raise SystemExit(f"not delivered: {failed}")
