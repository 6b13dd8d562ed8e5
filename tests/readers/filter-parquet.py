"""Filters a Parquet file by each of some SQL predicates with readers that leave out row groups and pages by their bounds,
indexes and Bloom filters, and prints, as JSON, the sums that they find.

usage: filter-parquet.py FILE COLUMN PREDICATE…

{"answers": {PREDICATE: {"duckdb": [rows, sum], "pyarrow": [rows, sum]}},
 "chunks": [{column: {"offsetIndex": bool, "columnIndex": bool, "bloomFilter": bool, "encodings": […]}}]}
"""

import json
import sys

import duckdb
import pyarrow.dataset as ds
import pyarrow.parquet as pq

path, column, *predicates = sys.argv[1:]
connection = duckdb.connect()
connection.execute("SET TimeZone = 'UTC'")
# DuckDB hands its filters on to a dataset, which leaves row groups out by their statistics.
arrow = ds.dataset(path)


def answer(source, predicate):
    rows, total = connection.execute(f"SELECT count(*), sum({column}) FROM {source} WHERE {predicate}").fetchone()
    return [rows, None if total is None else int(total)]


def chunk(told):
    return {
        "offsetIndex": told.has_offset_index,
        "columnIndex": told.has_column_index,
        "bloomFilter": filtered[(told.path_in_schema)],
        "encodings": list(told.encodings),
    }


filtered = {
    name: offset is not None
    for name, offset in connection.execute(
        "SELECT path_in_schema, max(bloom_filter_offset) FROM parquet_metadata(?) GROUP BY ALL", [path]
    ).fetchall()
}
metadata = pq.ParquetFile(path).metadata
groups = [metadata.row_group(i) for i in range(metadata.num_row_groups)]
json.dump(
    {
        "answers": {
            predicate: {
                "duckdb": answer(f"read_parquet('{path}')", predicate),
                "pyarrow": answer("arrow", predicate),
            }
            for predicate in predicates
        },
        "chunks": [
            {g.column(i).path_in_schema: chunk(g.column(i)) for i in range(g.num_columns)} for g in groups
        ],
    },
    sys.stdout,
)
