"""Reads Parquet files with pyarrow, DuckDB and delta-rs and prints the content that each of them returns as JSON.

usage: read-parquet.py FILE…

{FILE: {"pyarrow": {"types": {column: type}, "values": {column: […]}}, "duckdb": {…}, "deltaRs": {…},
        "rowGroups": [{"rows": n, "columns": {column: {"nulls": n, "min": …, "max": …}}}]}}

Values: see told_value in told.py. Times are in microseconds, dates in days since 1970-01-01.
"""

import json
import sys

import delta_rs
import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from told import told_value


def told_column(column):
    """Times and dates are returned as integers, because Python's types only support the years 1 to 9999."""
    if pa.types.is_timestamp(column.type):
        us = {"ms": 1000, "us": 1}[column.type.unit]
        return [None if v is None else str(v * us) for v in column.cast(pa.int64()).to_pylist()]
    if pa.types.is_date32(column.type):
        return [None if v is None else str(v) for v in column.cast(pa.int32()).to_pylist()]
    return [told_value(v) for v in column.to_pylist()]


def told_table(table):
    return {
        "types": {f.name: str(f.type) + ("" if f.nullable else " not null") for f in table.schema},
        "values": {name: told_column(table.column(name)) for name in table.column_names},
    }


def told_bound(statistics, which):
    """The stored integers of times and dates, because Python's types only support the years 1 to 9999."""
    is_decimal = statistics.logical_type.type == "DECIMAL"
    is_raw = statistics.physical_type in ("INT32", "INT64") and not is_decimal
    return told_value(getattr(statistics, f"{which}_raw" if is_raw else which))


def told_row_group(group):
    columns = {}
    for index in range(group.num_columns):
        chunk = group.column(index)
        statistics = chunk.statistics
        if statistics is None:
            columns[chunk.path_in_schema] = {}
            continue
        known = {"nulls": statistics.null_count} if statistics.has_null_count else {}
        if statistics.has_min_max:
            known |= {which: told_bound(statistics, which) for which in ("min", "max")}
        columns[chunk.path_in_schema] = known
    return {"rows": group.num_rows, "columns": columns}


def read(path):
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    metadata = pq.ParquetFile(path).metadata
    with delta_rs.table_of(path) as ask:
        seen_by_delta_rs = told_table(ask("SELECT * FROM t"))
    return {
        "pyarrow": told_table(pq.ParquetFile(path).read()),
        "duckdb": told_table(connection.execute("SELECT * FROM read_parquet(?)", [path]).to_arrow_table()),
        "deltaRs": seen_by_delta_rs,
        "rowGroups": [told_row_group(metadata.row_group(i)) for i in range(metadata.num_row_groups)],
    }


json.dump({path: read(path) for path in sys.argv[1:]}, sys.stdout, allow_nan=False)
