"""Delta-rs at work on a table of the lake: prints as JSON what it sees of its log, or writes to it.

usage: delta-log.py state|compact TABLE APP_ID…
  state    version, live files, and the transaction version of each APP_ID
  compact  compacts the small files, writes a checkpoint, and prints the same

Environment: as read-lake.py.
"""

import json
import os
import sys

import deltalake

_, action, path, *app_ids = sys.argv
table = deltalake.DeltaTable(
    f"s3://{os.environ['LAKE_BUCKET']}/{path}",
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
state = {
    "version": table.version(),
    "files": len(table.file_uris()),
    "txns": {app_id: table.transaction_version(app_id) for app_id in app_ids},
}
json.dump(state, sys.stdout)
