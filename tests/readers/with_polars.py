"""Reads the spot prices of the lake in argv[1] with Polars: changes and sum of prices by day and region, as JSON."""

import json
import sys

import polars

COLUMNS = [
    "AvailabilityZone",
    "AvailabilityZoneId",
    "InstanceType",
    "ProductDescription",
    "SpotPrice",
    "Timestamp",
]


def partition(name):
    return polars.col("path").str.extract(f"/{name}=([^/]*)/").alias(name)


changes = (
    polars.scan_ndjson(
        f"{sys.argv[1]}/raw/aws_spot_prices/**/*.ndjson.gz",
        schema=dict.fromkeys(COLUMNS, polars.String),
        include_file_paths="path",
    )
    .group_by(partition("dt"), partition("region"))
    .agg(polars.len(), polars.col("SpotPrice").cast(polars.Decimal(20, 10)).sum())
    .collect()
)
json.dump([[dt, region, rows, str(price)] for dt, region, rows, price in changes.iter_rows()], sys.stdout)
