"""A Spark session in this process that reads and writes Delta tables, on the local disk and on S3."""

import glob
import os
import re
import sys

import pyspark
from pyspark.sql import SparkSession


def artifact(jar):
    return re.sub(r"-\d.*$", "", os.path.basename(jar))


def jars_beside(own):
    """Those of the environment's folder `jars` that Spark doesn't bring itself."""
    brought = {artifact(jar) for jar in glob.glob(os.path.join(own, "jars", "*.jar"))}
    found = glob.glob(os.path.join(sys.prefix, "jars", "*.jar"))
    if not found:
        sys.exit(f"there are no jars in {sys.prefix}/jars")
    return ",".join(jar for jar in found if artifact(jar) not in brought)


def open_session(app, directory, s3, conf):
    """`directory`: for what it writes for itself. `s3`: endpoint, region, accessKey, secretKey. `conf`: more settings."""
    every = {
        "spark.jars": jars_beside(os.path.dirname(pyspark.__file__)),
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.local.dir": directory,
        "spark.sql.warehouse.dir": os.path.join(directory, "warehouse"),
        "spark.ui.enabled": "false",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.hadoop.fs.s3a.endpoint": s3["endpoint"],
        "spark.hadoop.fs.s3a.endpoint.region": s3["region"],
        "spark.hadoop.fs.s3a.access.key": s3["accessKey"],
        "spark.hadoop.fs.s3a.secret.key": s3["secretKey"],
        "spark.hadoop.fs.s3a.path.style.access": "true",
        "spark.hadoop.fs.s3a.connection.ssl.enabled": "false",
    }
    builder = SparkSession.builder.appName(app).master("local[2]")
    for name, value in (every | conf).items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    return spark
