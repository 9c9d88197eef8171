#!/usr/bin/env python3
"""What building tables costs: peak memory over a price list of 1 GB, and spot rows a second beside DuckDB doing the same.

    make servers && cargo build --release --locked && python3 benches/tables.py

Fails above 512 MiB. The lake is a directory; the price list comes from simulated upstreams, the spot rows are made here. DuckDB reads the
same gzipped lines, gives them the same columns, sorts them in the same way and writes Parquet with the same compression.
"""

import argparse
import gzip
import json
import random
import shutil
import sys
from datetime import datetime, timedelta, timezone

from common import MIB, SERVERS, crawl, floor, release_binary, report, run, upstreams, workspace

LIMIT = 512 * MIB
DAY = datetime(2026, 1, 2, tzinfo=timezone.utc)
REGIONS = 8

DUCKDB = """
import duckdb, sys
lake, out, threads = sys.argv[1:]
duckdb.sql(f"SET threads = {threads}")
duckdb.sql(f'''
COPY (
  SELECT 'aws' AS provider_name, region AS region_id, AvailabilityZone AS availability_zone, AvailabilityZoneId AS availability_zone_id,
    InstanceType AS instance_type, replace(ProductDescription, 'Linux/UNIX', 'Linux') AS operating_system,
    ProductDescription AS product_description, 'USD' AS currency, SpotPrice::DECIMAL(20, 10) AS unit_price,
    Timestamp AS effective_from, filename AS source_key
  FROM read_json('{lake}/raw/aws_spot_prices/*/*/*.ndjson.gz', format = 'newline_delimited', hive_partitioning = true, filename = true,
    columns = {{InstanceType: 'VARCHAR', ProductDescription: 'VARCHAR', SpotPrice: 'VARCHAR', Timestamp: 'TIMESTAMPTZ',
      AvailabilityZone: 'VARCHAR', AvailabilityZoneId: 'VARCHAR'}})
  ORDER BY instance_type, region_id, availability_zone_id, availability_zone, product_description, effective_from
) TO '{out}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 3)''')
"""


def main():
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--list-bytes", type=int, default=1_000_000_000, help="size of the price list")
    flags.add_argument("--spot-rows", type=int, default=1_000_000, help="rows of the day of spot prices")
    asked = flags.parse_args()
    binary = release_binary()
    python = SERVERS / "venv" / "bin" / "python3"
    if not python.exists():
        sys.exit(f"{python} is not there: run `make servers` first, or set CONTRAIL_TEST_SERVERS")
    with workspace() as directory:
        lists = build_lists(binary, directory, asked.list_bytes)
        spot, duckdb = build_spot(binary, directory, python, asked.spot_rows)
        least = floor()
    if lists.peak <= least:
        sys.exit(f"the peak of {lists.peak} bytes is this script's own, not that of the build")
    rows = [
        ("price list", f"{asked.list_bytes / 1e6:,.0f} MB into list_prices and list_prices_current"),
        ("peak RSS", f"{lists.peak / MIB:.1f} MiB (bound: {LIMIT // MIB} MiB)"),
        ("CPU, wall", f"{lists.cpu:.1f} s, {lists.wall:.1f} s; {2 * asked.list_bytes / 1e6 / lists.cpu:,.0f} MB a second and core, for each table once"),
        ("spot rows", f"{asked.spot_rows:,} into spot_prices"),
        ("contrail", f"{spot.cpu:.2f} s CPU, {spot.wall:.2f} s, {asked.spot_rows / spot.cpu:,.0f} rows a second and core, {spot.peak / MIB:.0f} MiB"),
        ("DuckDB", f"{duckdb.cpu:.2f} s CPU, {duckdb.wall:.2f} s, {asked.spot_rows / duckdb.cpu:,.0f} rows a second and core, {duckdb.peak / MIB:.0f} MiB"),
        ("CPU ratio", f"{spot.cpu / duckdb.cpu:.2f} × DuckDB"),
    ]
    result = {
        "bench": "tables", "peak_rss_bytes": lists.peak, "limit_bytes": LIMIT, "list_cpu_seconds": round(lists.cpu, 2),
        "spot_cpu_seconds": round(spot.cpu, 2), "duckdb_cpu_seconds": round(duckdb.cpu, 2),
    }
    report("Building tables", rows, result)
    if lists.peak > LIMIT:
        sys.exit(f"building needed {lists.peak / MIB:.1f} MiB, more than {LIMIT // MIB} MiB")


def build_lists(binary, directory, size):
    config = """
[lake]
url = "file:./lists"
[sources]
aws_spot_prices = {{ enabled = false }}
aws_spot_advisor = {{ enabled = false }}
azure_retail_prices = {{ enabled = false }}
aws_price_list = {{ base_url = "{}" }}
"""
    with upstreams(list_bytes=size) as upstream:
        crawl(binary, directory, config.format(upstream))
    measured = run([binary, "--lake", directory / "lists", "tables", "build", "list_prices", "list_prices_current"], directory)
    shutil.rmtree(directory / "lists")
    return measured


def build_spot(binary, directory, python, rows):
    lake = directory / "spot"
    put_spot(lake, rows)
    spot = run([binary, "--lake", lake, "tables", "build", "spot_prices"], directory)
    script = directory / "same.py"
    script.write_text(DUCKDB)
    duckdb = run([python, script, lake, directory / "same.parquet", "2"], directory)
    counted = [python, "-c", f"import duckdb; assert duckdb.sql(\"FROM read_parquet('{lake}/tables/spot_prices/*/*.parquet')\").count('*').fetchall() == [({rows},)]"]
    run(counted, directory)
    return spot, duckdb


def put_spot(lake, rows):
    """A day of spot prices, an object for each hour and region, as a crawler would have stored it."""
    chance = random.Random(1)
    system = lake / "_contrail"
    system.mkdir(parents=True)
    identity = {"format": 1, "created_at": "2026-01-02T00:00:00Z", "origin": "upstream", "spot_window": "1h"}
    (system / "lake.json").write_text(json.dumps(identity) + "\n")
    types = [f"{family}.{size}" for family in ("m5", "m6i", "c5", "c6i", "r5", "r7g", "t3", "x2idn") for size in ("large", "xlarge", "2xlarge", "4xlarge", "8xlarge")]
    left = rows
    for number in range(24 * REGIONS):
        hour, region = divmod(number, REGIONS)
        start = DAY + timedelta(hours=hour)
        name = f"bench-{region + 1}"
        folder = lake / "raw" / "aws_spot_prices" / f"dt={start:%Y-%m-%d}" / f"region={name}"
        folder.mkdir(parents=True, exist_ok=True)
        count = left // (24 * REGIONS - number)
        left -= count
        with gzip.open(folder / f"{start:%Y%m%dT%H%M%SZ}-{start + timedelta(hours=1):%Y%m%dT%H%M%SZ}.ndjson.gz", "wt", 6) as file:
            for row in range(count):
                at = start + timedelta(milliseconds=3_600_000 * row // count)
                zone = chance.randrange(3)
                fields = {
                    "AvailabilityZone": f"{name}{'abc'[zone]}", "AvailabilityZoneId": f"b{region + 1}-az{zone + 1}",
                    "InstanceType": chance.choice(types), "ProductDescription": chance.choice(["Linux/UNIX", "Windows"]),
                    "SpotPrice": f"{chance.randrange(10_000, 900_000) / 1e6:.6f}", "Timestamp": f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z",
                }
                file.write(json.dumps(fields, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
