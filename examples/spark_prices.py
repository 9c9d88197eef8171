"""Four questions about prices, as a Spark job over the tables of a lake.

    spark-submit examples/spark_prices.py --lake ./contrail-lake m5.large c5.large

Where is it cheapest to run one of these types now? What would spot have saved in the last 90 days? What changed in the
price lists this month? How volatile are the pools? Prices are in US dollars an hour.

A lake in a bucket is `s3a://bucket/prefix` (`s3://` on EMR and Glue) and needs hadoop-aws: --packages
org.apache.hadoop:hadoop-aws:VERSION, in the version of Spark's own Hadoop.
"""

import argparse
import json
from decimal import Decimal

from pyspark.sql import SparkSession, Window
from pyspark.sql import functions as f

HOURLY = "decimal(20, 6)"
PERCENT = "decimal(38, 2)"

def zone():
    return f.coalesce("availability_zone_id", "availability_zone").alias("zone")


def text(value):
    return format(value, "f") if isinstance(value, Decimal) else None if value is None else str(value)


def since(days):
    return f.col("dt") >= f.date_sub(f.current_date(), days)


def on_demand(tables, types):
    """The price of each type in each region: Linux, shared, nothing reserved."""
    return (
        tables("list_prices_current")
        .where(f.col("instance_type").isin(types))
        .where("provider_name = 'aws' AND service_name = 'AmazonEC2' AND pricing_category = 'Standard'")
        .where("operating_system = 'Linux' AND tenancy = 'Shared' AND pre_installed_software IS NULL")
        .where("meter LIKE '%BoxUsage:%' AND currency = 'USD' AND list_unit_price IS NOT NULL")
        .groupBy("instance_type", "region_id")
        .agg(f.min("list_unit_price").alias("usd"))
    )


def spot(tables, types):
    pools = tables("spot_prices_daily").where(f.col("instance_type").isin(types))
    return pools.where("operating_system = 'Linux' AND currency = 'USD'")


def cheapest(tables, types):
    days = tables("spot_prices_daily").where(since(7)).agg(f.max("dt").alias("dt"))
    pools = spot(tables, types).join(days, "dt").where("close_price IS NOT NULL")
    places = on_demand(tables, types).select(
        "instance_type", f.lit("on demand").alias("way"), "region_id", f.lit(None).cast("string").alias("zone"), "usd"
    )
    pools = pools.select(
        "instance_type", f.lit("spot").alias("way"), "region_id", zone(), f.col("close_price").alias("usd")
    )
    return places.unionAll(pools).orderBy("usd", "instance_type", "way", "region_id", "zone").limit(10)


def savings(tables, types):
    known = spot(tables, types).where(since(90)).where("time_weighted_avg IS NOT NULL AND known_seconds > 0")
    mean = known.groupBy("instance_type", "region_id").agg(
        f.sum("known_seconds").alias("known_seconds"),
        # In decimals that are wide enough for the quotient to have all its digits.
        f.expr(
            "CAST(sum(time_weighted_avg * CAST(known_seconds AS decimal(10, 0))) AS decimal(30, 10))"
            " / CAST(sum(known_seconds) AS decimal(12, 0))"
        ).alias("mean"),
    )
    return (
        mean.join(on_demand(tables, types).where("usd > 0"), ["instance_type", "region_id"])
        .select(
            "instance_type",
            "region_id",
            "known_seconds",
            f.col("usd").alias("on_demand"),
            f.col("mean").cast(HOURLY).alias("spot"),
            f.expr("100 * (usd - mean) / usd").cast(PERCENT).alias("saved_percent"),
        )
        .orderBy(f.desc("saved_percent"), "instance_type", "region_id")
    )


def changes(tables, _types):
    # Azure tells a new price as a rate that begins later, so the two are seen together where they were told together.
    rate = Window.partitionBy("provider_name", "service_name", "region_id", "sku_id", "sku_price_id", "meter", "currency")
    told = rate.orderBy("observed_at", f.coalesce("effective_from", "observed_at"), "dt")
    former = f.lag("list_unit_price").over(told)
    return (
        tables("list_prices")
        .withColumn("former", former)
        .where("dt >= date_trunc('month', current_date())")
        .groupBy("provider_name", "service_name", "change")
        .agg(
            f.count("*").alias("rates"),
            f.expr("sum(CASE WHEN list_unit_price > former THEN 1 ELSE 0 END)").alias("dearer"),
            f.expr("sum(CASE WHEN list_unit_price < former THEN 1 ELSE 0 END)").alias("cheaper"),
        )
        .orderBy("provider_name", "service_name", "change")
    )


def volatility(tables, types):
    pools = tables("spot_prices_daily").where(f.col("instance_type").isin(types)).where(since(30))
    return (
        pools.where("min_price > 0")
        .groupBy("instance_type", "region_id", zone(), "product_description")
        .agg(
            f.count("*").alias("days"),
            f.sum("changes").alias("changes"),
            f.min("min_price").alias("lowest"),
            f.max("max_price").alias("highest"),
            f.expr("100 * (max(max_price) - min(min_price)) / min(min_price)").cast(PERCENT).alias("swing_percent"),
        )
        .orderBy(f.desc("swing_percent"), "instance_type", "region_id", "zone", "product_description")
        .limit(20)
    )


def main():
    parser = argparse.ArgumentParser(description="Four questions about prices")
    parser.add_argument("--lake", required=True, help="where the lake is: a directory or s3a://bucket/prefix")
    parser.add_argument("--json", action="store_true", help="print JSON, one question a line")
    parser.add_argument("types", nargs="+", metavar="TYPE", help="an instance type, such as m5.large")
    wanted = parser.parse_args()

    spark = SparkSession.builder.appName("prices").config("spark.sql.session.timeZone", "UTC").getOrCreate()

    def tables(name):
        return spark.read.parquet(f"{wanted.lake}/tables/{name}")

    for question in (cheapest, savings, changes, volatility):
        rows = question(tables, wanted.types)
        if wanted.json:
            values = [[text(value) for value in row] for row in rows.collect()]
            print(json.dumps({"question": question.__name__, "columns": rows.columns, "rows": values}))
        else:
            print(f"\n{question.__name__}")
            rows.show(20, truncate=False)
    spark.stop()


if __name__ == "__main__":
    main()
