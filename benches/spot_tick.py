#!/usr/bin/env python3
"""Wall time of one spot tick: 34 regions of 20 pages, each page answered after 50 ms.

    cargo build --release --locked && python3 benches/spot_tick.py

Fails above 10 s. One page after the other, as a script would do it, takes regions × pages × delay; the ratio says how
much of that is saved. Rows are checked: all of them are in the lake.
"""

import argparse
import gzip
import json
import sys
from datetime import datetime, timedelta, timezone

from common import MIB, crawl, release_binary, report, upstreams, workspace

LIMIT = 10.0


def main():
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--regions", type=int, default=34)
    flags.add_argument("--pages", type=int, default=20)
    flags.add_argument("--delay", type=float, default=0.05, help="seconds that each page takes")
    flags.add_argument("--concurrency", type=int, default=16, help="[sources.aws_spot_prices] concurrency")
    asked = flags.parse_args()
    sizes = {"regions": asked.regions, "spot_pages": asked.pages, "spot_delay": asked.delay}
    with upstreams(**sizes) as upstream, workspace() as directory:
        # A lake that was made yesterday, so that the last whole hour is a window; and a first fill of just that hour.
        now = datetime.now(timezone.utc)
        window = (now - timedelta(minutes=1)).replace(minute=0, second=0, microsecond=0) - timedelta(hours=1)
        created = (now - timedelta(days=1)).strftime("%Y-%m-%dT00:00:00Z")
        (directory / "lake" / "_contrail").mkdir(parents=True)
        identity = {"format": 1, "created_at": created, "origin": "upstream", "spot_window": "1h"}
        (directory / "lake" / "_contrail" / "lake.json").write_text(json.dumps(identity))
        reach = int((now - window).total_seconds()) + 1800
        config = f"""
[lake]
url = "file:./lake"
[aws]
endpoint_url = "{upstream}"
[sources]
aws_spot_prices = {{ backfill = "{reach}s", settle = "1m", concurrency = {asked.concurrency} }}
aws_price_list = {{ enabled = false }}
azure_retail_prices = {{ enabled = false }}
"""
        measured = crawl(release_binary(), directory, config)
        objects = sorted((directory / "lake" / "raw").rglob("*.ndjson.gz"))
        rows = sum(gzip.open(path).read().count(b"\n") for path in objects)
    expected = asked.regions * asked.pages * 1000
    if (len(objects), rows) != (asked.regions, expected):
        sys.exit(f"{rows} rows in {len(objects)} objects, and not {expected} in {asked.regions}: did the hour end meanwhile?")
    serial = asked.regions * asked.pages * asked.delay
    table = [
        ("pages", f"{asked.regions} regions × {asked.pages}, {asked.delay * 1000:.0f} ms each, {asked.concurrency} at a time"),
        ("rows", f"{rows:,}"),
        ("wall", f"{measured.wall:.2f} s (bound: {LIMIT:.0f} s)"),
        ("one page after the other", f"{serial:.1f} s of waiting alone: {serial / measured.wall:.1f} × as long"),
        ("CPU", f"{measured.cpu:.2f} s"),
        ("peak RSS", f"{measured.peak / MIB:.1f} MiB"),
    ]
    result = {
        "bench": "spot_tick", "wall_seconds": round(measured.wall, 3), "limit_seconds": LIMIT, "rows": rows,
        "cpu_seconds": round(measured.cpu, 3), "peak_rss_bytes": measured.peak, "ratio_to_serial": round(serial / measured.wall, 2),
    }
    report("One spot tick", table, result)
    if measured.wall > LIMIT:
        sys.exit(f"the tick took {measured.wall:.1f} s, longer than {LIMIT:.0f} s")


if __name__ == "__main__":
    main()
