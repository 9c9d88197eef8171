"""Polars needs no statements: it scans the files of a table. It answers in its own SQL."""

import re

import polars
from common import answer, asked

task = asked()
options = {"hive_partitioning": True, "storage_options": task.get("storage_options")}
# In the path of the lake nothing is a pattern: what could be stands in brackets, where it is only itself.
lake = re.sub(r"[\[*?]", r"[\g<0>]", task["lake"])


def frame(table):
    names = table["partitions"]
    kinds = {name: polars.Date if name == "dt" else polars.String for name in names}
    pattern = "/".join(f"{name}=*" for name in names)
    path = f"{lake}/tables/{table['name']}/{pattern}/{table['name']}.parquet"
    rows = polars.scan_parquet(path, hive_schema=kinds, **options)
    # Its SQL has no literal of a time with a zone. All times are in UTC.
    return rows.with_columns(polars.selectors.datetime().dt.replace_time_zone(None))


context = polars.SQLContext({table["name"]: frame(table) for table in task["tables"]}, eager=True)
answer([], [context.execute(question).rows() for question in task["questions"]])
