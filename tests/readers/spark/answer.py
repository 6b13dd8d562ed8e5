"""Spark, asked one question after the other by the tests, in one JVM.

Each line of standard input is a question in JSON, {"ask": …} and what that takes; each line of standard output is its answer:
{"answer": …} or {"error": text}. Ends with its input. Environment: as read-lake.py, SPARK_DIR for what Spark writes for
itself, PYTHONPATH with tests/readers.
"""

import json
import os
import sys

import parquet_files
import tables
from session import open_session

# What a JVM prints must not be taken for an answer.
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)

S3 = {
    "endpoint": os.environ["S3_ENDPOINT"],
    "region": os.environ["AWS_REGION"],
    "accessKey": os.environ["AWS_ACCESS_KEY_ID"],
    "secretKey": os.environ["AWS_SECRET_ACCESS_KEY"],
}
# For small tables and one JVM that lives for a minute; nothing that changes what is read. Without adaptive plans the one
# that is asked for its metrics is the one that ran.
QUICK = {
    "spark.driver.memory": "1g",
    "spark.driver.extraJavaOptions": "-XX:+UseSerialGC -XX:TieredStopAtLevel=1",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.shuffle.partitions": "1",
    "spark.databricks.delta.snapshotPartitions": "1",
    # A file's rows in their order, in one task.
    "spark.sql.files.minPartitionNum": "1",
}

QUESTIONS = {
    "files": parquet_files.read,
    "filter": parquet_files.filtered,
    "rows": tables.rows,
    "examples": tables.run_examples,
}


def answer(spark, question):
    try:
        return {"answer": QUESTIONS[question.pop("ask")](spark, **question)}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}


spark = open_session("tests", os.environ["SPARK_DIR"], S3, QUICK)
for line in sys.stdin:
    print(json.dumps(answer(spark, json.loads(line)), allow_nan=False), file=answers, flush=True)
# Waits until the JVM has gone.
jvm = spark.sparkContext._gateway.proc
spark.stop()
jvm.stdin.close()
jvm.wait()
