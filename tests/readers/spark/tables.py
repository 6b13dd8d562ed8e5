"""Delta tables as Spark reads them."""

from parquet_files import settings
from told import told_row

NOT_SKIPPED = {"spark.databricks.delta.stats.skipping": "false", "spark.sql.parquet.filterPushdown": "false"}


def rows(spark, uri, sql, version=None, full=False):
    """SQL over a table as the view `t`: {"rows": by what the statistics leave, "files": how many those are}, and if FULL
    is asked for {"full": by all files and rows}."""
    reader = spark.read.format("delta")
    if version is not None:
        reader = reader.option("versionAsOf", version)
    reader.load(uri).createOrReplaceTempView("t")
    found, files = collected(spark, sql)
    told = {"rows": found, "files": files}
    if not full:
        return told
    with settings(spark, NOT_SKIPPED):
        return told | {"full": collected(spark, sql)[0]}


def collected(spark, sql):
    frame = spark.sql(sql)
    told = [told_row(row.asDict()) for row in frame.collect()]
    leaves = frame._jdf.queryExecution().executedPlan().collectLeaves()
    metrics = [leaves.apply(index).metrics() for index in range(leaves.size())]
    # An answer out of the log alone has none.
    return told, sum(each.apply("numFiles").value() for each in metrics if each.contains("numFiles"))


def run_examples(spark, names, examples):
    """Runs Python of the documentation that has the session `spark`, and tells what some expressions, separated by commas, are
    then."""
    scope = {"spark": spark}
    for example in examples:
        exec(example, scope)
    return [told_row(eval(name, scope)) for name in names.split(",")]
