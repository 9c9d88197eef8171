#!/usr/bin/env python3
"""CPU that a price list costs from download to lake, as a ratio to gzip alone on the same bytes.

    make servers && cargo build --release --locked && python3 benches/price_list_cpu.py

gzip alone is benches/gzip_alone: the same encoder at the same level, fed from a file. Beside it the shell's way,
`curl | gzip -6`, without the upload that it would need too. The rounds are interleaved and the medians compared.
"""

import argparse
import shutil
import statistics
import subprocess

from common import ROOT, TARGET, crawl, moto, release_binary, report, run, upstreams, workspace
from upstreams import OFFER, VERSION, PriceList


def gzip_alone():
    """benches/gzip_alone, built with the very encoder that the crawler has: its lock file is Contrail's."""
    package, target = ROOT / "benches" / "gzip_alone", TARGET / "gzip_alone"
    shutil.copy(ROOT / "Cargo.lock", package)
    build = ["cargo", "build", "--release", "--quiet", "--manifest-path", package / "Cargo.toml", "--target-dir", target]
    subprocess.run(build, check=True)
    return target / "release" / "gzip_alone"


def config(upstream, lake):
    return f"""
[lake]
{lake}
spool_dir = "spool"
[sources]
aws_spot_prices = {{ enabled = false }}
aws_spot_advisor = {{ enabled = false }}
azure_retail_prices = {{ enabled = false }}
aws_price_list = {{ base_url = "{upstream}" }}
"""


def main():
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--list-bytes", type=int, default=500_000_000)
    flags.add_argument("--rounds", type=int, default=3)
    asked = flags.parse_args()
    binary, alone, curl = release_binary(), gzip_alone(), shutil.which("curl")
    found = {"gzip alone": [], "into a directory": [], "into S3": [], "curl | gzip -6": []}
    with upstreams(list_bytes=asked.list_bytes) as upstream, moto() as s3, workspace() as directory:
        offer = PriceList(asked.list_bytes)
        with open(directory / "offer.json", "wb") as file:
            file.writelines(offer.pieces())
        for number in range(asked.rounds):
            with open(directory / "offer.json", "rb") as file:
                found["gzip alone"].append(run([alone], directory, stdin=file))
            found["into a directory"].append(crawl(binary, directory, config(upstream, f'url = "file:./lake{number}"')))
            shutil.rmtree(directory / f"lake{number}")
            lake = f'url = "s3://bench/lake{number}"\nendpoint_url = "{s3}"\nforce_path_style = true'
            found["into S3"].append(crawl(binary, directory, config(upstream, lake)))
            if curl:
                url = f"{upstream}/offers/v1.0/aws/{OFFER}/{VERSION}/us-bench-1/index.json"
                shell = ["sh", "-c", f"curl -sf '{url}' | gzip -6 >/dev/null"]
                found["curl | gzip -6"].append(run(shell, directory))
    cpu = {name: statistics.median(m.cpu for m in runs) for name, runs in found.items() if runs}
    base = cpu["gzip alone"]
    rows = [("price list", f"{offer.length / 1e6:,.0f} MB, {asked.rounds} rounds, medians")]
    rows += [(name, f"{seconds:6.2f} s CPU   {seconds / base:.2f} × gzip alone") for name, seconds in cpu.items()]
    result = {"bench": "price_list_cpu", "bytes": offer.length, "cpu_seconds": {k: round(v, 3) for k, v in cpu.items()}}
    result["ratio_directory"] = round(cpu["into a directory"] / base, 3)
    result["ratio_s3"] = round(cpu["into S3"] / base, 3)
    report("CPU of a price list", rows, result)


if __name__ == "__main__":
    main()
