"""delta-rs on a Parquet file. It reads tables only, so the file becomes one; the engine that reads it (DataFusion, with Rust's
Parquet) shares nothing with pyarrow's."""

import contextlib
import os
import tempfile

import deltalake
import pyarrow as pa


@contextlib.contextmanager
def table_of(path):
    """A function that answers SQL, in which the file is the table `t`, with an Arrow table."""
    with tempfile.TemporaryDirectory(dir=os.path.dirname(path)) as folder:
        os.link(path, os.path.join(folder, "file.parquet"))
        deltalake.convert_to_deltalake(folder)
        # In one part, so that the rows stay in their order.
        builder = deltalake.QueryBuilder({"datafusion.execution.target_partitions": "1"})
        builder.register("t", deltalake.DeltaTable(folder))
        yield lambda sql: pa.table(builder.execute(sql).read_all())
