"""Runs an SQL query on a table of the lake with a reader that is independent of Windrow.

usage: read-lake.py delta-rs|duckdb-delta|duckdb-files|duckdb TABLE SQL

  delta-rs      delta-rs and Arrow read the Delta log and the files; DuckDB only runs the query
  duckdb-delta  DuckDB's delta extension reads both
  duckdb-files  ignores the log and reads all files TABLE/date=*/*.parquet, with `date` from the path
  duckdb        runs the query without the view; the query itself names its files

TABLE is a path in the bucket (raw/track); SQL sees it as the view `t`. Prints a JSON array with an object for each row, see
told_row in told.py. Environment: S3_ENDPOINT, AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, LAKE_BUCKET.
"""

import json
import os
import pathlib
import sys
import urllib.parse

import deltalake
import duckdb
import duckdb_extension_delta
import duckdb_extension_httpfs
from told import told_row

BUCKET = os.environ["LAKE_BUCKET"]
ENDPOINT = os.environ["S3_ENDPOINT"]


def extension(package):
    """The extension's file in its pip package, so that nothing is downloaded."""
    return next(pathlib.Path(package.__file__).parent.glob("extensions/*/*.duckdb_extension"))


def quoted(text):
    return "'" + str(text).replace("'", "''") + "'"


def connect():
    connection = duckdb.connect(
        config={"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
    )
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def connect_to_s3():
    connection = connect()
    for package in (duckdb_extension_httpfs, duckdb_extension_delta):
        connection.execute(f"LOAD {quoted(extension(package))}")
    url = urllib.parse.urlsplit(ENDPOINT)
    options = {
        "KEY_ID": quoted(os.environ["AWS_ACCESS_KEY_ID"]),
        "SECRET": quoted(os.environ["AWS_SECRET_ACCESS_KEY"]),
        "REGION": quoted(os.environ["AWS_REGION"]),
        "ENDPOINT": quoted(url.netloc),
        "URL_STYLE": quoted("path"),
        "USE_SSL": str(url.scheme == "https").lower(),
    }
    connection.execute(f"CREATE SECRET (TYPE s3, {', '.join(f'{k} {v}' for k, v in options.items())})")
    return connection


def over_delta_rs(table):
    lake = deltalake.DeltaTable(
        f"s3://{BUCKET}/{table}",
        storage_options={
            "AWS_ENDPOINT_URL": ENDPOINT,
            "AWS_ALLOW_HTTP": "true",
            "AWS_VIRTUAL_HOSTED_STYLE_REQUEST": "false",
        },
    )
    connection = connect()
    connection.register("t", lake.to_pyarrow_dataset())
    return connection


def over_duckdb_delta(table):
    connection = connect_to_s3()
    connection.execute(f"CREATE VIEW t AS SELECT * FROM delta_scan({quoted(f's3://{BUCKET}/{table}')})")
    return connection


def over_duckdb_files(table):
    connection = connect_to_s3()
    files = quoted(f"s3://{BUCKET}/{table}/date=*/*.parquet")
    connection.execute(
        "CREATE VIEW t AS SELECT * FROM"
        f" read_parquet({files}, hive_partitioning = true, hive_types = {{'date': DATE}}, union_by_name = true)"
    )
    return connection


READERS = {"delta-rs": over_delta_rs, "duckdb-delta": over_duckdb_delta, "duckdb-files": over_duckdb_files}
READERS["duckdb"] = lambda _: connect_to_s3()


_, reader, table, sql = sys.argv
rows = READERS[reader](table).execute(sql).to_arrow_table().to_pylist()
json.dump([told_row(row) for row in rows], sys.stdout, allow_nan=False)
# With threads of Arrow still running, a normal exit sometimes aborts.
sys.stdout.flush()
os._exit(0)
