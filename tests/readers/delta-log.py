"""Reads or writes the log of a lake table with delta-rs, and prints the result as JSON.

usage: delta-log.py state|compact TABLE APP_ID…
       delta-log.py offsets TABLE VERSION
  state    version, live files, and the transaction version of each APP_ID
  compact  compacts the small files, writes a checkpoint, and prints the state
  offsets  the column _offset of all rows of the table at VERSION, ascending

Environment: see read-lake.py.
"""

import json
import os
import sys

import deltalake


def answer(value):
    """Prints the value and ends the process at once: with threads of Arrow still running, a normal exit sometimes aborts."""
    json.dump(value, sys.stdout)
    sys.stdout.flush()
    os._exit(0)


_, action, path, *app_ids = sys.argv
version = int(app_ids.pop()) if action == "offsets" else None
table = deltalake.DeltaTable(
    f"s3://{os.environ['LAKE_BUCKET']}/{path}",
    version=version,
    storage_options={
        "AWS_ENDPOINT_URL": os.environ["S3_ENDPOINT"],
        "AWS_ALLOW_HTTP": "true",
        "AWS_VIRTUAL_HOSTED_STYLE_REQUEST": "false",
        "conditional_put": "etag",
    },
)
if action == "compact":
    table.optimize.compact()
    table.create_checkpoint()
if action == "offsets":
    answer(sorted(table.to_pyarrow_table(columns=["_offset"])["_offset"].to_pylist()))
state = {
    "version": table.version(),
    "files": len(table.file_uris()),
    "txns": {app_id: table.transaction_version(app_id) for app_id in app_ids},
}
answer(state)
