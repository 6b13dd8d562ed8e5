"""Writes the rows of Parquet files anew with pyarrow and with DuckDB, one file for each, in memory, zstd level 1.

usage: native.py DIRECTORY

Prints {"pyarrow": {"rows": n, "seconds": s, "cpuSeconds": s, "files": n, "bytes": n, "version": v}, "duckdb": {…}}. Reading isn't timed.
"""

import json
import os
import pathlib
import sys
import tempfile
import time

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq


def with_pyarrow(table, target):
    pq.write_table(table, target, compression="zstd", compression_level=1)


def with_duckdb(connection, target):
    connection.execute(f"COPY held TO '{target}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)")


def measure(name, version, write, prepare, files):
    total = {"rows": 0, "seconds": 0.0, "cpuSeconds": 0.0, "files": 0, "bytes": 0, "version": version}
    # On a file system in memory where there is one: what is measured is the writing of Parquet.
    where = "/dev/shm" if os.path.isdir("/dev/shm") else None
    with tempfile.TemporaryDirectory(dir=where) as folder:
        target = os.path.join(folder, f"{name}.parquet")
        for file in files:
            # Not as a dataset: the folder's name would become a column.
            table = pq.ParquetFile(file).read()
            held = prepare(table)
            wall, cpu = time.perf_counter(), time.process_time()
            write(held, target)
            total["seconds"] += time.perf_counter() - wall
            total["cpuSeconds"] += time.process_time() - cpu
            total["rows"] += table.num_rows
            total["files"] += 1
            total["bytes"] += os.path.getsize(target)
    return total


def main():
    files = sorted(pathlib.Path(sys.argv[1]).rglob("*.parquet"))
    connection = duckdb.connect()

    def into_duckdb(table):
        connection.register("given", table)
        # DuckDB's own columns: what it takes to read Arrow's is not its writing.
        connection.execute("CREATE OR REPLACE TABLE held AS SELECT * FROM given")
        connection.unregister("given")
        return connection

    print(
        json.dumps(
            {
                "pyarrow": measure("pyarrow", pa.__version__, with_pyarrow, lambda table: table, files),
                "duckdb": measure("duckdb", duckdb.__version__, with_duckdb, into_duckdb, files),
            }
        )
    )


main()
