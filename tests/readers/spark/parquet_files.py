"""Parquet files as Spark reads them."""

import decimal
import struct
from contextlib import contextmanager

from told import told_value

PER_TYPE = {"timestamp": "unix_micros(`{}`)", "date": "unix_date(`{}`)"}


@contextmanager
def settings(spark, conf):
    for name, value in conf.items():
        spark.conf.set(name, value)
    try:
        yield
    finally:
        for name in conf:
            spark.conf.unset(name)


ROW_BY_ROW = {"spark.sql.parquet.enableVectorizedReader": "false"}
NOT_PUSHED = {"spark.sql.parquet.filterPushdown": "false"}


def read(spark, paths):
    """{path: {"vectorized": {"types", "values"}, "rowByRow": the same, "rowGroups": as read-parquet.py}}: by Spark's own decoder,
    by that of parquet-java, and what parquet-java takes from the footer."""
    return {path: read_file(spark, path) for path in paths}


def read_file(spark, path):
    frame = spark.read.parquet(path)
    told = {"vectorized": told_table(frame), "rowGroups": row_groups(spark, path)}
    with settings(spark, ROW_BY_ROW):
        return told | {"rowByRow": told_table(frame)}


def told_table(frame):
    """Times and dates go by their integers: Python's own know the years 1 to 9999 only."""
    fields = frame.schema.fields
    types = {f.name: f.dataType.simpleString() + ("" if f.nullable else " not null") for f in fields}
    columns = [PER_TYPE.get(types[f.name], "`{}`").format(f.name) for f in fields]
    rows = frame.selectExpr(*columns).collect()
    values = {
        f.name: [told_value(with_scale(row[index], f.dataType)) for row in rows]
        for index, f in enumerate(fields)
    }
    return {"types": types, "values": values}


def with_scale(value, type):
    """The gateway hands 1E-20 on as 1.0E-20."""
    if not isinstance(value, decimal.Decimal):
        return value
    scaled = value.quantize(decimal.Decimal(f"1e-{type.scale}"), context=decimal.Context(prec=60))
    assert scaled == value, f"{value} has more digits than its type"
    return scaled


def row_groups(spark, path):
    jvm = spark._jvm
    file = jvm.org.apache.parquet.hadoop.util.HadoopInputFile.fromPath(
        jvm.org.apache.hadoop.fs.Path(path), spark._jsc.hadoopConfiguration()
    )
    reader = jvm.org.apache.parquet.hadoop.ParquetFileReader.open(file)
    try:
        return [told_row_group(group) for group in reader.getFooter().getBlocks()]
    finally:
        reader.close()


def told_row_group(group):
    columns = {}
    for chunk in group.getColumns():
        statistics, type = chunk.getStatistics(), chunk.getPrimitiveType()
        known = {"nulls": statistics.getNumNulls()} if statistics.isNumNullsSet() else {}
        if statistics.hasNonNullValue():
            known["min"] = told_bound(statistics.genericGetMin(), type)
            known["max"] = told_bound(statistics.genericGetMax(), type)
        columns[chunk.getPath().toDotString()] = known
    return {"rows": group.getRowCount(), "columns": columns}


def told_bound(bound, type):
    physical = type.getPrimitiveTypeName().toString()
    annotation = type.getLogicalTypeAnnotation()
    if physical in ("BINARY", "FIXED_LEN_BYTE_ARRAY"):
        bound = bytes(bound.getBytes())
    if str(annotation).startswith("DECIMAL"):
        unscaled = int.from_bytes(bound, "big", signed=True) if isinstance(bound, bytes) else bound
        return told_value(decimal.Decimal(f"{unscaled}e-{annotation.getScale()}"))
    if isinstance(bound, bytes):
        return told_value(bound if annotation is None else bound.decode())
    # The gateway hands floats on as their shortest text.
    return told_value(struct.unpack("f", struct.pack("f", bound))[0] if physical == "FLOAT" else bound)


def filtered(spark, path, sum, predicates, expected):
    """{"answers": {predicate: {"full": [rows, sum], "filtered": [rows, sum], "read": n}}, "differing": {column: n}}

    `full` decodes every row and leaves nothing out by statistics, indexes or Bloom filters. `read` is how many rows
    were decoded for the filtered answer. `expected` gives columns as SQL; `differing` is in how many rows they are something else."""
    frame = spark.read.parquet(path)
    with settings(spark, NOT_PUSHED):
        asked = [
            text
            for predicate in predicates
            for text in (f"count_if({predicate})", f"sum(if({predicate}, {sum}, null))")
        ] + [f"count_if(`{column}` IS DISTINCT FROM ({sql}))" for column, sql in expected.items()]
        full = list(frame.selectExpr(*asked).collect()[0])
    answers = {}
    for index, predicate in enumerate(predicates):
        found, read = by_filter(frame, predicate, sum)
        answers[predicate] = {"full": full[2 * index : 2 * index + 2], "filtered": found, "read": read}
    return {"answers": answers, "differing": dict(zip(expected, full[2 * len(predicates) :]))}


def by_filter(frame, predicate, sum):
    found = frame.where(predicate).selectExpr("count(*)", f"sum({sum})")
    answer = list(found.collect()[0])
    scan = found._jdf.queryExecution().executedPlan().collectLeaves().apply(0)
    return answer, scan.metrics().apply("numOutputRows").value()
