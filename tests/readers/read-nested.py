"""Reads Parquet files of nested columns with pyarrow, DuckDB and delta-rs and prints the values that each of them returns as
JSON.

usage: read-nested.py FILE…

{FILE: {"pyarrow": {column: […]}, "duckdb": {…}, "deltaRs": {…}}}

Values: see told_nested.py.
"""

import json
import sys

import delta_rs
import duckdb
import pyarrow.parquet as pq
from told_nested import told_nested


def told_table(table):
    return {
        name: [told_nested(value, table.schema.field(name).type) for value in table.column(name).to_pylist()]
        for name in table.column_names
    }


def read(path):
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    with delta_rs.table_of(path) as ask:
        seen_by_delta_rs = told_table(ask("SELECT * FROM t"))
    return {
        "pyarrow": told_table(pq.ParquetFile(path).read()),
        "duckdb": told_table(connection.execute("SELECT * FROM read_parquet(?)", [path]).to_arrow_table()),
        "deltaRs": seen_by_delta_rs,
    }


json.dump({path: read(path) for path in sys.argv[1:]}, sys.stdout, allow_nan=False)
