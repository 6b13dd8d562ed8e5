"""Filters a Parquet file by SQL predicates with readers that skip row groups and pages by their bounds, indexes and Bloom
filters. Prints the sums that they find as JSON.

usage: filter-parquet.py FILE QUESTIONS

QUESTIONS: {"sum": column, "predicates": […], "expected": {column: SQL}}
{"answers": {predicate: {"duckdb": [rows, sum], "pyarrow": [rows, sum], "deltaRs": [rows, sum]}},
 "differing": {"duckdb": {column: number of rows with an unexpected value}, "pyarrow": …, "deltaRs": …},
 "chunks": [{column: {"offsetIndex": bool, "columnIndex": bool, "bloomFilter": bool, "encodings": […]}}]}
"""

import json
import sys

import delta_rs
import duckdb
import pyarrow.dataset as ds
import pyarrow.parquet as pq

path = sys.argv[1]
asked = json.loads(sys.argv[2])
connection = duckdb.connect()
connection.execute("SET TimeZone = 'UTC'")
# Functions of Spark.
connection.execute("CREATE MACRO timestamp_micros(us) AS make_timestamptz(us)")
connection.execute("CREATE MACRO date_from_unix_date(days) AS DATE '1970-01-01' + days")
# DuckDB pushes its filters down to the dataset, which skips row groups by their statistics.
arrow = ds.dataset(path)
duckdb_file = f"read_parquet('{path}')"


def question(source, predicate):
    return f"SELECT count(*) AS n, sum({asked['sum']}) AS total FROM {source} WHERE {predicate}"


def answer(source, predicate):
    rows, total = connection.execute(question(source, predicate)).fetchone()
    return [rows, None if total is None else int(total)]


def differing(source):
    counts = [f"count(*) FILTER (\"{name}\" IS DISTINCT FROM ({sql}))" for name, sql in asked["expected"].items()]
    return dict(zip(asked["expected"], connection.execute(f"SELECT {', '.join(counts)} FROM {source}").fetchone()))


def chunk(told):
    return {
        "offsetIndex": told.has_offset_index,
        "columnIndex": told.has_column_index,
        "bloomFilter": filtered[told.path_in_schema],
        "encodings": list(told.encodings),
    }


filtered = {
    name.replace(", ", "."): offset is not None
    for name, offset in connection.execute(
        "SELECT path_in_schema, max(bloom_filter_offset) FROM parquet_metadata(?) GROUP BY ALL", [path]
    ).fetchall()
}
with delta_rs.table_of(path) as ask:
    delta_rs_answers = {
        predicate: list(ask(question("t", predicate)).to_pylist()[0].values()) for predicate in asked["predicates"]
    }
    delta_rs_rows = ask("SELECT * FROM t")
metadata = pq.ParquetFile(path).metadata
groups = [metadata.row_group(i) for i in range(metadata.num_row_groups)]
json.dump(
    {
        "answers": {
            predicate: {
                "duckdb": answer(duckdb_file, predicate),
                "pyarrow": answer("arrow", predicate),
                "deltaRs": delta_rs_answers[predicate],
            }
            for predicate in asked["predicates"]
        },
        "differing": {"duckdb": differing(duckdb_file), "pyarrow": differing("arrow"), "deltaRs": differing("delta_rs_rows")},
        "chunks": [
            {g.column(i).path_in_schema: chunk(g.column(i)) for i in range(g.num_columns)} for g in groups
        ],
    },
    sys.stdout,
)
