"""Reads the spot prices of the lake in argv[1] with pandas: changes and sum of prices by day and region, as JSON."""

import json
import sys
from decimal import Decimal
from pathlib import Path

import pandas

root = Path(sys.argv[1], "raw", "aws_spot_prices")


def read(path):
    # Names and values of the directories are columns: dt=2026-11-21/region=us-east-1
    columns = dict(part.split("=", 1) for part in path.relative_to(root).parts[:-1])
    # Arrow's types, and prices as the text that they are.
    rows = pandas.read_json(path, lines=True, dtype=False, dtype_backend="pyarrow")
    return rows.assign(**columns)


changes = pandas.concat([read(path) for path in sorted(root.rglob("*.ndjson.gz"))])
changes["SpotPrice"] = changes["SpotPrice"].map(Decimal)
json.dump(
    [
        [dt, region, len(group), str(group["SpotPrice"].sum())]
        for (dt, region), group in changes.groupby(["dt", "region"])
    ],
    sys.stdout,
)
