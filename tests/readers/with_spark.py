"""Reads the spot prices of the lake in argv[1] with Spark: changes and sum of prices by day and region, as JSON."""

import json
import sys

from pyspark.sql import SparkSession

SCHEMA = """AvailabilityZone string, AvailabilityZoneId string, InstanceType string,
    ProductDescription string, SpotPrice decimal(20, 10), Timestamp timestamp"""

spark = (
    SparkSession.builder.master("local[1]")
    .config("spark.ui.enabled", "false")
    .config("spark.driver.bindAddress", "127.0.0.1")
    .config("spark.driver.host", "127.0.0.1")
    .config("spark.sql.session.timeZone", "UTC")
    .config("spark.sql.shuffle.partitions", "1")
    .getOrCreate()
)
changes = spark.read.schema(SCHEMA).option("mode", "FAILFAST").json(f"{sys.argv[1]}/raw/aws_spot_prices")
changes.createOrReplaceTempView("changes")
rows = spark.sql(
    """
    SELECT CAST(dt AS STRING), region, count(*), CAST(sum(SpotPrice) AS STRING)
    FROM changes WHERE dt >= DATE '2020-01-01'
    GROUP BY dt, region
    """
).collect()
json.dump([list(row) for row in rows], sys.stdout)
spark.stop()
