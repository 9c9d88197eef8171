#!/usr/bin/env python3
"""Peak memory of the crawler while it crawls a price list of 1 GB and an Azure catalogue of 600,000 items into S3,
where the catalogue of the day before lies already.

    make servers && cargo build --release --locked && python3 benches/memory.py

Fails above 96 MiB. The upstreams and the S3 server (moto) are processes of their own; what is measured is the crawler alone.
"""

import argparse
import gzip
import hashlib
import json
import sys
from datetime import datetime, timedelta, timezone

from common import MIB, crawl, floor, get_json, head, moto, put, release_binary, report, upstreams, workspace

LIMIT = 96 * MIB


def main():
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--list-bytes", type=int, default=1_000_000_000, help="size of each price list")
    flags.add_argument("--lists", type=int, default=1, help="how many price lists, crawled four at a time")
    flags.add_argument("--azure-items", type=int, default=600_000)
    asked = flags.parse_args()
    sizes = {"list_bytes": asked.list_bytes, "lists": asked.lists, "azure_items": asked.azure_items}
    with upstreams(**sizes) as upstream, moto() as s3, workspace() as directory:
        config = f"""
[lake]
url = "s3://bench/lake"
endpoint_url = "{s3}"
force_path_style = true
spool_dir = "{directory}/spool"
[sources.aws_spot_prices]
enabled = false
[sources.aws_price_list]
base_url = "{upstream}"
[sources.aws_spot_advisor]
enabled = false
[sources.azure_retail_prices]
base_url = "{upstream}"
price_types = ["Consumption"]
"""
        yesterday = put_yesterday(upstream, s3, directory)
        before = get_json(f"{upstream}/facts")["sent"]
        measured = crawl(release_binary(), directory, config)
        facts = get_json(f"{upstream}/facts")
        facts["sent"] = {name: facts["sent"][name] - count for name, count in before.items()}
        stored = check(s3, facts, asked, yesterday)
        least = floor()
    if measured.peak <= least:
        sys.exit(f"the peak of {measured.peak} bytes is this script's own, not the crawler's")
    rows = [
        ("price lists", f"{asked.lists} × {facts['bytes'] / 1e6:,.0f} MB"),
        ("Azure items", f"{asked.azure_items:,}, walked twice"),
        ("downloaded", f"{facts['sent']['bytes'] / 1e6:,.0f} MB in {facts['sent']['requests']:,} requests"),
        ("stored", f"{stored / 1e6:,.1f} MB"),
        ("peak RSS", f"{measured.peak / MIB:.1f} MiB (bound: {LIMIT // MIB} MiB)"),
        ("CPU", f"{measured.cpu:.1f} s ({measured.user:.1f} user, {measured.system:.1f} system)"),
        ("wall", f"{measured.wall:.1f} s"),
    ]
    result = {
        "bench": "memory", "peak_rss_bytes": measured.peak, "limit_bytes": LIMIT, "cpu_seconds": round(measured.cpu, 2),
        "wall_seconds": round(measured.wall, 2), "downloaded_bytes": facts["sent"]["bytes"], "stored_bytes": stored,
    }
    report("Memory of the crawler", rows, result)
    if measured.peak > LIMIT:
        sys.exit(f"the crawler needed {measured.peak / MIB:.1f} MiB, more than {LIMIT // MIB} MiB")


def put_yesterday(upstream, s3, directory):
    """Puts the catalogue into the lake as that of the day before, as a crawler finds it on every day but its first."""
    day = datetime.now(timezone.utc).date() - timedelta(days=1)
    key = f"lake/raw/azure_retail_prices/dt={day}/currency=USD/price_type=Consumption/{day:%Y%m%d}T000000Z.ndjson.gz"
    file, link = directory / "yesterday", f"{upstream}/api/retail/prices"
    digest, size, rows = hashlib.sha256(), 0, 0
    with gzip.open(file, "wb", 6) as payload:
        while link:
            page = get_json(link)
            for item in page["Items"]:
                line = json.dumps(item, separators=(",", ":")).encode() + b"\n"
                payload.write(line)
                digest.update(line)
                size, rows = size + len(line), rows + 1
            link = page["NextPageLink"]
    facts = {"sha256": digest.hexdigest(), "bytes": size, "rows": rows, "complete": "true"}
    put(f"{s3}/bench/{key}", file, {f"x-amz-meta-contrail-{name}": str(value) for name, value in facts.items()})
    file.unlink()
    return key


def check(s3, facts, asked, yesterday):
    """That what was measured was the whole work: every byte and every item is in the lake. Returns the bytes stored."""
    import urllib.request
    import xml.etree.ElementTree as xml

    with urllib.request.urlopen(f"{s3}/bench?list-type=2&prefix=lake/raw/") as answer:
        listing = xml.fromstring(answer.read())
    names = {"s3": "http://s3.amazonaws.com/doc/2006-03-01/"}
    text = lambda name: [node.text for node in listing.findall(f"s3:Contents/s3:{name}", names)]
    sizes = dict(zip(text("Key"), map(int, text("Size"))))
    assert sizes.pop(yesterday), yesterday
    keys, size = list(sizes), sum(sizes.values())
    lists = [key for key in keys if "/aws_price_list/" in key]
    azure = [key for key in keys if "/azure_retail_prices/" in key]
    assert (len(lists), len(azure)) == (asked.lists, 1), keys
    for key in lists:
        meta = head(f"{s3}/bench/{key}")
        assert meta["x-amz-meta-contrail-sha256"] == facts["sha256"], "a price list is not what was sent"
        assert meta["x-amz-meta-contrail-rows"] == str(facts["products"]), meta
    rows = head(f"{s3}/bench/{azure[0]}")["x-amz-meta-contrail-rows"]
    assert rows == str(asked.azure_items // 1000 * 1000), rows
    return size


if __name__ == "__main__":
    main()
