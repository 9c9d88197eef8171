#!/usr/bin/env python3
"""What a question costs: the prices of one machine over 90 days in all regions, beside DuckDB asking the same of the same files.

    make servers && cargo build --release --locked && python3 benches/price.py

Fails when `contrail price --history` reads 1 % of the tables of spot prices or more, or takes more than 1.5 times as long as DuckDB's query
alone, without the start of its process. The spot prices are made here, and the tables by `contrail tables build`.
"""

import argparse
import gzip
import json
import os
import random
import re
import statistics
import sys
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime, timedelta, timezone

from common import MIB, SERVERS, release_binary, report, run, workspace

MOST_BYTES = 0.01
MOST_TIME = 1.5
DAYS = 90
MACHINE = "m6i.xlarge"
# 34 regions with three zones, 270 machines, four products: 110,160 pools, as many as AWS has.
FAMILIES = [f"{kind}{generation}{more}" for kind in "cmr" for generation in (5, 6, 7) for more in ("a", "g", "i")] + ["g5", "t3", "z1d"]
SIZES = ("large", "xlarge", "2xlarge", "4xlarge", "8xlarge", "12xlarge", "16xlarge", "24xlarge", "metal")
PRODUCTS = ("Linux/UNIX", "Windows", "SUSE Linux", "Red Hat Enterprise Linux")
REGIONS = 34
UNITS = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}

DUCKDB = """
import duckdb, json, sys, time
tables, machine, first = sys.argv[1:]
duckdb.sql("SET threads = 2")
start = time.monotonic()
rows = duckdb.sql(f'''
  SELECT region_id, availability_zone, availability_zone_id, product_description, currency, dt, min_price, max_price, time_weighted_avg, changes
  FROM read_parquet('{tables}/spot_prices_daily/*/*.parquet', hive_partitioning = true)
  WHERE instance_type = '{machine}' AND operating_system = 'Linux' AND dt >= DATE '{first}'
  ORDER BY ALL''').fetchall()
print(json.dumps({"seconds": time.monotonic() - start, "days": len(rows), "changes": sum(row[-1] for row in rows)}))
"""


def main():
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--changes", type=int, default=4, help="how often the price of a pool changes in a day, about")
    flags.add_argument("--runs", type=int, default=9, help="how often each side is asked")
    asked = flags.parse_args()
    binary = release_binary()
    python = SERVERS / "venv" / "bin" / "python3"
    if not python.exists():
        sys.exit(f"{python} is not there: run `make servers` first, or set CONTRAIL_TEST_SERVERS")
    with workspace() as directory:
        first = datetime.now(timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=DAYS)
        rows = put_spot(directory / "lake", first, asked.changes)
        built = run([binary, "--lake", directory / "lake", "tables", "build", "spot_prices", "spot_prices_daily"], directory)
        ours, read, theirs, wall = ask(binary, python, directory, first, asked.runs)
        daily, size = (length(directory / "lake" / "tables" / table) for table in ("spot_prices_daily", ""))
    share, ratio = read / size, ours.wall / theirs
    lines = [
        ("spot rows", f"{rows:,} in {DAYS} days; both tables of them in {built.wall:.0f} s, {built.peak / MIB:.0f} MiB"),
        ("question", f"{MACHINE} over {DAYS} days, {REGIONS} regions"),
        ("bytes read", f"{read / MIB:.2f} of {size / MIB:.1f} MiB, {100 * share:.2f} % (bound: {100 * MOST_BYTES:.0f} %); of spot_prices_daily alone {100 * read / daily:.2f} %"),
        ("contrail", f"{1000 * ours.wall:.0f} ms, {1000 * ours.cpu:.0f} ms CPU, {ours.peak / MIB:.0f} MiB: the whole process"),
        ("DuckDB", f"{1000 * theirs:.0f} ms: the query alone; its process {1000 * wall:.0f} ms"),
        ("ratio", f"{ratio:.2f} × DuckDB's query (bound: {MOST_TIME}), {ours.wall / wall:.2f} × its process"),
    ]
    result = {
        "bench": "price", "rows": rows, "read_bytes": read, "table_bytes": size, "seconds": round(ours.wall, 4),
        "duckdb_query_seconds": round(theirs, 4), "duckdb_process_seconds": round(wall, 4), "ratio": round(ratio, 2),
    }
    report("A question about one machine", lines, result)
    if share >= MOST_BYTES or ratio > MOST_TIME:
        sys.exit("more than one of the bounds allows")


def ask(binary, python, directory, first, runs):
    """Asks both sides in turn. The medians, and how many bytes Contrail says that it read."""
    script = directory / "same.py"
    script.write_text(DUCKDB)
    ours, theirs = [], []
    contrail = [binary, "--lake", directory / "lake", "-vv", "price", MACHINE, "--history", f"{DAYS + 1}d", "--format", "json"]
    duckdb = [python, script, directory / "lake" / "tables", MACHINE, f"{first:%Y-%m-%d}"]
    # Today counts as a day of its own, and has no prices here.
    for _ in range(runs):
        with open(directory / "ours", "wb") as answer:
            ours.append(run(contrail, directory, stdout=answer))
        with open(directory / "theirs", "wb") as answer:
            theirs.append(run(duckdb, directory, stdout=answer))
            theirs[-1].told = json.loads((directory / "theirs").read_text())
    told = theirs[0].told
    days = [day for pool in pools((directory / "ours").read_text()) for day in pool["days"] if day["changes"] is not None]
    if (len(days), sum(day["changes"] for day in days)) != (told["days"], told["changes"]):
        sys.exit(f"the two do not say the same: {len(days)} and {told}")
    found = re.findall(r"listings?, [\d,]+ reads?, ([\d.]+) (B|KiB|MiB|GiB)", (directory / "log").read_text(errors="replace"))
    if not found:
        sys.exit("contrail did not say what it read")
    number, unit = found[-1]
    by_wall = sorted(ours, key=lambda measured: measured.wall)
    seconds = statistics.median(measured.told["seconds"] for measured in theirs)
    return by_wall[len(by_wall) // 2], float(number) * UNITS[unit], seconds, statistics.median(measured.wall for measured in theirs)


def length(directory):
    """The bytes of all objects of tables below."""
    return sum(file.stat().st_size for file in directory.rglob("*.parquet"))


def pools(text):
    return json.loads(text)["spot"]


def put_spot(lake, first, changes):
    """Ninety days of spot prices, an object for each day and region, as a first fill stores them. Answers how many rows."""
    system = lake / "_contrail"
    system.mkdir(parents=True)
    # Before it was made, a lake has windows of a day.
    made = first + timedelta(days=DAYS)
    identity = {"format": 1, "created_at": f"{made:%Y-%m-%dT%H:%M:%SZ}", "origin": "upstream", "spot_window": "1h"}
    (system / "lake.json").write_text(json.dumps(identity) + "\n")
    days = [(lake, first + timedelta(days=number), changes) for number in range(DAYS)]
    # In processes of their own: what this one holds would count as that of the programs that are measured.
    with ProcessPoolExecutor(os.cpu_count()) as workers:
        return sum(workers.map(put_day, days))


def put_day(work):
    lake, start, changes = work
    chance = random.Random(f"{start}")
    rows = 0
    for region in range(REGIONS):
        name = f"bench-{region + 1}"
        folder = lake / "raw" / "aws_spot_prices" / f"dt={start:%Y-%m-%d}" / f"region={name}"
        folder.mkdir(parents=True)
        lines = []
        for zone in range(3):
            for family in FAMILIES:
                for size in SIZES:
                    for product in PRODUCTS:
                        pool = (
                            f'{{"AvailabilityZone":"{name}{"abc"[zone]}","AvailabilityZoneId":"b{region + 1}-az{zone + 1}",'
                            f'"InstanceType":"{family}.{size}","ProductDescription":"{product}","SpotPrice":"'
                        )
                        for second in chance.sample(range(86_400), chance.randint(changes - 1, changes + 1)):
                            at = f"{start:%Y-%m-%d}T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}.000Z"
                            lines.append(f'{pool}{chance.randrange(10_000, 900_000) / 1e6:.6f}","Timestamp":"{at}"}}\n')
        end = start + timedelta(days=1)
        with gzip.open(folder / f"{start:%Y%m%dT%H%M%SZ}-{end:%Y%m%dT%H%M%SZ}.ndjson.gz", "wt", 1) as file:
            file.writelines(lines)
        rows += len(lines)
    return rows


if __name__ == "__main__":
    main()
