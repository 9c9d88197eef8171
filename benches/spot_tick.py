#!/usr/bin/env python3
"""Wall time of one spot tick: 34 regions of 20 pages, each page answered after 50 ms.

    cargo build --release --locked && python3 benches/spot_tick.py

Fails above 10 s or 96 MiB. One page after the other, as a script would do it, takes regions × pages × delay; the ratio says
how much of that is saved. Rows are checked: all of them are in the lake.

With --first-fill DAYS it fills a new lake with the days before today, a window a day, and bounds the memory only.
"""

import argparse
import gzip
import json
import sys
from datetime import datetime, timedelta, timezone

from common import MIB, crawl, release_binary, report, upstreams, workspace

LIMIT = 10.0
MEMORY_LIMIT = 96 * MIB


def main():
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--regions", type=int, default=34)
    flags.add_argument("--pages", type=int, default=20)
    flags.add_argument("--delay", type=float, default=0.05, help="seconds that each page takes")
    flags.add_argument("--concurrency", type=int, default=16, help="[sources.aws_spot_prices] concurrency")
    flags.add_argument("--first-fill", type=int, default=0, metavar="DAYS", help="fill a new lake with so many days instead")
    asked = flags.parse_args()
    sizes = {"regions": asked.regions, "spot_pages": asked.pages, "spot_delay": asked.delay}
    with upstreams(**sizes) as upstream, workspace() as directory:
        # A lake that was made yesterday, so that the last whole hour is a window; and a first fill of just that hour.
        now = datetime.now(timezone.utc)
        window = (now - timedelta(minutes=1)).replace(minute=0, second=0, microsecond=0) - timedelta(hours=1)
        if asked.first_fill:
            window = now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=asked.first_fill)
        created = (now - timedelta(days=0 if asked.first_fill else 1)).strftime("%Y-%m-%dT00:00:00Z")
        (directory / "lake" / "_contrail").mkdir(parents=True)
        identity = {"format": 1, "created_at": created, "origin": "upstream", "spot_window": "1h"}
        (directory / "lake" / "_contrail" / "lake.json").write_text(json.dumps(identity))
        # Half an hour more: a window that begins before the reach is left out.
        reach = int((now - window).total_seconds()) + 1800
        config = f"""
[lake]
url = "file:./lake"
[aws]
endpoint_url = "{upstream}"
[sources]
aws_spot_prices = {{ backfill = "{reach}s", settle = "1m", concurrency = {asked.concurrency} }}
aws_price_list = {{ enabled = false }}
aws_spot_advisor = {{ enabled = false }}
azure_retail_prices = {{ enabled = false }}
"""
        measured = crawl(release_binary(), directory, config)
        objects = sorted((directory / "lake" / "raw").rglob("*.ndjson.gz"))
        rows = sum(gzip.open(path).read().count(b"\n") for path in objects)
    # The hours of today so far are windows of a first fill, too.
    windows = asked.regions * (asked.first_fill + (now - timedelta(minutes=1)).hour if asked.first_fill else 1)
    expected = windows * asked.pages * 1000
    if (len(objects), rows) != (windows, expected):
        sys.exit(f"{rows} rows in {len(objects)} objects, and not {expected} in {windows}: did the hour end meanwhile?")
    serial = windows * asked.pages * asked.delay
    table = [
        ("pages", f"{windows} windows × {asked.pages}, {asked.delay * 1000:.0f} ms each, {asked.concurrency} at a time"),
        ("rows", f"{rows:,}"),
        ("wall", f"{measured.wall:.2f} s" + ("" if asked.first_fill else f" (bound: {LIMIT:.0f} s)")),
        ("one page after the other", f"{serial:.1f} s of waiting alone: {serial / measured.wall:.1f} × as long"),
        ("CPU", f"{measured.cpu:.2f} s"),
        ("peak RSS", f"{measured.peak / MIB:.1f} MiB (bound: {MEMORY_LIMIT / MIB:.0f} MiB)"),
    ]
    result = {
        "bench": "spot_tick", "wall_seconds": round(measured.wall, 3), "limit_seconds": LIMIT, "rows": rows,
        "cpu_seconds": round(measured.cpu, 3), "peak_rss_bytes": measured.peak, "ratio_to_serial": round(serial / measured.wall, 2),
    }
    report("A first fill" if asked.first_fill else "One spot tick", table, result)
    if measured.peak > MEMORY_LIMIT:
        sys.exit(f"{measured.peak / MIB:.1f} MiB are more than {MEMORY_LIMIT / MIB:.0f} MiB")
    if measured.wall > LIMIT and not asked.first_fill:
        sys.exit(f"the tick took {measured.wall:.1f} s, longer than {LIMIT:.0f} s")


if __name__ == "__main__":
    main()
