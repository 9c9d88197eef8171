"""Spark runs the statements that Contrail prints, and answers. With `hive` as argument it has a metastore of Hive, as
Athena's tables need one."""

import sys

from common import answer, asked, run
from pyspark.sql import SparkSession

task = asked()
builder = (
    SparkSession.builder.master("local[2]")
    .config("spark.ui.enabled", "false")
    .config("spark.driver.bindAddress", "127.0.0.1")
    .config("spark.driver.host", "127.0.0.1")
    .config("spark.sql.session.timeZone", "UTC")
    .config("spark.sql.shuffle.partitions", "2")
    .config("spark.sql.warehouse.dir", task["scratch"])
)
if "hive" in sys.argv:
    builder = (
        builder.enableHiveSupport()
        .config("spark.hadoop.javax.jdo.option.ConnectionURL", "jdbc:derby:memory:metastore;create=true")
        # Athena's queries have names in double quotes.
        .config("spark.sql.ansi.enabled", "true")
        .config("spark.sql.ansi.doubleQuotedIdentifiers", "true")
    )
spark = builder.getOrCreate()


def execute(text):
    spark.sql(text)


def query(text):
    return [list(row) for row in spark.sql(text).collect()]


examples = run(task["ddl"], execute, query)
answer(examples, [query(question) for question in task["questions"]])
spark.stop()
