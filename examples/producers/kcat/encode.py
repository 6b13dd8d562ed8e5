"""Writes an event in Avro binary, for produce.sh. Needs SCHEMA_REGISTRY_URL, and fastavro (pip install fastavro).

usage: encode.py < EVENT.json > EVENT.avro
"""

import json
import os
import sys
import urllib.request

import fastavro

address = f"{os.environ['SCHEMA_REGISTRY_URL']}/subjects/track.raw-value/versions/latest"
with urllib.request.urlopen(address) as answer:
    schema = fastavro.parse_schema(json.loads(json.load(answer)["schema"]))
fastavro.schemaless_writer(sys.stdout.buffer, schema, json.load(sys.stdin))
