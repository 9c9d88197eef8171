"""Lists the spot prices of the S3 lake `argv[2]/argv[3]` at the endpoint argv[1] with boto3, as JSON: all keys, those
from the day argv[4] on, and how many lines are in all objects."""

import gzip
import json
import sys

import boto3

_, endpoint, bucket, prefix, day = sys.argv
s3 = boto3.client("s3", endpoint_url=endpoint)
pages = s3.get_paginator("list_objects_v2")


def keys(**options):
    dataset = f"{prefix}/raw/aws_spot_prices/"
    listing = pages.paginate(Bucket=bucket, Prefix=dataset, PaginationConfig={"PageSize": 5}, **options)
    return [item["Key"].removeprefix(f"{prefix}/") for page in listing for item in page.get("Contents", [])]


def lines(key):
    body = s3.get_object(Bucket=bucket, Key=f"{prefix}/{key}")["Body"].read()
    return len(gzip.decompress(body).splitlines())


since = keys(StartAfter=f"{prefix}/raw/aws_spot_prices/dt={day}/")
json.dump([keys(), since, sum(map(lines, keys()))], sys.stdout)
