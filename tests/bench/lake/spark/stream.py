"""Has Spark Structured Streaming take a Kafka topic of Avro into a Delta table on S3, several times in one JVM.

usage: stream.py SETTINGS      a JSON file: brokers, topic, schema (Avro), bucket, endpoint, region, accessKey, secretKey,
                               events, runs, dir

Prints, for each run, one line of JSON: version, rows, seconds, cpuSeconds, peakRssMiB, files, fileBytes. A run is one batch, as
much as Spark can have at once, into a new table; its state lies on the local disk. PYTHONPATH has tests/readers/spark.
"""

import json
import os
import re
import sys
import time

import pyspark
from pyspark.sql.avro.functions import from_avro
from pyspark.sql.functions import col, current_timestamp, expr, to_date
from session import open_session


def usage(pid):
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rsplit(") ", 1)[1].split()
    with open(f"/proc/{pid}/status") as status:
        peak = re.search(r"VmHWM:\s+(\d+)", status.read()).group(1)
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"), int(peak) / 1024


def take(spark, settings, path, run):
    source = (
        spark.readStream.format("kafka")
        .option("kafka.bootstrap.servers", settings["brokers"])
        .option("kafka.isolation.level", "read_committed")
        .option("subscribe", settings["topic"])
        .option("startingOffsets", "earliest")
        .load()
    )
    # Five bytes say which schema of the registry it is.
    avro = expr("substring(value, 6, length(value) - 5)")
    rows = source.select(
        from_avro(avro, json.dumps(settings["schema"])).alias("event"),
        col("topic").alias("_topic"),
        col("partition").alias("_partition"),
        col("offset").alias("_offset"),
        current_timestamp().alias("_ingested_at"),
    ).select("event.*", "_topic", "_partition", "_offset", "_ingested_at", to_date("event.occurred_at").alias("date"))
    query = (
        rows.writeStream.format("delta")
        .partitionBy("date")
        .option("checkpointLocation", os.path.join(settings["dir"], f"checkpoint-{run}"))
        .trigger(availableNow=True)
        .start(path)
    )
    query.awaitTermination()


def main():
    with open(sys.argv[1]) as file:
        settings = json.load(file)
    conf = {
        "spark.driver.memory": "4g",
        "spark.sql.parquet.compression.codec": "zstd",
        "spark.hadoop.parquet.compression.codec.zstd.level": "1",
    }
    spark = open_session("bench", settings["dir"], settings, conf)
    pid = spark._jvm.java.lang.ProcessHandle.current().pid()
    for run in range(settings["runs"]):
        path = f"s3a://{settings['bucket']}/run-{run}"
        (cpu_before, _), wall = usage(pid), time.perf_counter()
        take(spark, settings, path, run)
        seconds = time.perf_counter() - wall
        cpu, peak = usage(pid)
        detail = spark.sql(f"DESCRIBE DETAIL delta.`{path}`").select("numFiles", "sizeInBytes").first()
        rows = spark.read.format("delta").load(path).count()
        if rows != settings["events"]:
            sys.exit(f"Spark has landed {rows} rows, not {settings['events']}")
        told = {
            "version": pyspark.__version__,
            "rows": rows,
            "seconds": seconds,
            "cpuSeconds": cpu - cpu_before,
            "peakRssMiB": peak,
            "files": detail["numFiles"],
            "fileBytes": detail["sizeInBytes"],
        }
        print(json.dumps(told), flush=True)
    spark.stop()


main()
