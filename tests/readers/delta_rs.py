"""Queries a Parquet file with delta-rs. delta-rs reads only tables, so the file is converted to one. Its engine (DataFusion
with Rust's Parquet library) shares no code with pyarrow."""

import contextlib
import os
import tempfile

import deltalake
import pyarrow as pa


@contextlib.contextmanager
def table_of(path):
    """Yields a function that runs SQL, in which the file is the table `t`, and returns an Arrow table."""
    with tempfile.TemporaryDirectory(dir=os.path.dirname(path)) as folder:
        os.link(path, os.path.join(folder, "file.parquet"))
        deltalake.convert_to_deltalake(folder)
        # One partition, so that the rows keep their order.
        builder = deltalake.QueryBuilder({"datafusion.execution.target_partitions": "1"})
        builder.register("t", deltalake.DeltaTable(folder))
        yield lambda sql: pa.table(builder.execute(sql).read_all())
