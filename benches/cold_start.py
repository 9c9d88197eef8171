#!/usr/bin/env python3
"""Wall time of reading a lake that has a year of keys: `contrail status`, and what the crawler does before its first fetch.

    cargo build --release --locked && python3 benches/cold_start.py

34 regions of hourly windows for a year are 310,000 objects. Fails when `status` takes longer than 3 s.
"""

import argparse
import json
import subprocess
import sys
from urllib.request import urlopen

from common import CREDENTIALS, MIB, ROOT, process, release_binary, report, run, upstreams, workspace

LIMIT = 3.0


def main():
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--regions", type=int, default=34)
    flags.add_argument("--days", type=int, default=365)
    asked = flags.parse_args()
    server = [sys.executable, ROOT / "benches" / "lake_of_a_year.py", asked.regions, asked.days]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with process(server, **pipes) as child, upstreams(regions=asked.regions) as upstream, workspace() as directory:
        url, keys = child.stdout.readline().split()
        (directory / "contrail.toml").write_text(f"""
[lake]
url = "s3://bench/history"
endpoint_url = "{url}"
force_path_style = true
[aws]
endpoint_url = "{upstream}"
[sources]
aws_spot_prices = {{ settle = "10m" }}
aws_price_list = {{ enabled = false }}
aws_spot_advisor = {{ enabled = false }}
azure_retail_prices = {{ enabled = false }}
""")
        answer = directory / "status.json"
        with answer.open("wb") as stdout:
            status = run([release_binary(), "status", "--format", "json"], directory, CREDENTIALS, stdout=stdout)
        listings = int(urlopen(f"{url}/requests").read())
        told = json.loads(answer.read_text())
        dry_run = run([release_binary(), "crawler", "--dry-run"], directory, CREDENTIALS)
    streams = told["datasets"][0]["streams"]
    if told["lake"]["objects"] != int(keys) or len(streams) != asked.regions or any(stream["gaps"] for stream in streams):
        sys.exit(f"status does not tell what is in the lake: {told['lake']}")
    table = [
        ("keys", f"{int(keys):,} in {listings:,} listings"),
        ("contrail status", f"{status.wall:.2f} s (bound: {LIMIT:.0f} s), {status.cpu:.2f} s of CPU, {status.peak / MIB:.1f} MiB"),
        ("contrail crawler --dry-run", f"{dry_run.wall:.2f} s, {dry_run.cpu:.2f} s of CPU, {dry_run.peak / MIB:.1f} MiB"),
    ]
    result = {
        "bench": "cold_start", "keys": int(keys), "listings": listings, "limit_seconds": LIMIT,
        "status_seconds": round(status.wall, 3), "status_cpu_seconds": round(status.cpu, 3), "status_peak_rss_bytes": status.peak,
        "dry_run_seconds": round(dry_run.wall, 3), "dry_run_cpu_seconds": round(dry_run.cpu, 3),
    }
    report("A lake with a year of keys", table, result)
    if status.wall > LIMIT:
        sys.exit(f"status took {status.wall:.1f} s, longer than {LIMIT:.0f} s")


if __name__ == "__main__":
    main()
