"""Reads the spot prices of the lake in argv[1] with DuckDB: changes and sum of prices by day and region, as JSON."""

import json
import sys

import duckdb

rows = duckdb.execute(
    """
    SELECT dt::VARCHAR, region, count(*), sum(SpotPrice)::VARCHAR
    FROM read_json(?, format = 'newline_delimited', hive_partitioning = true, columns = {
        AvailabilityZone: 'VARCHAR', AvailabilityZoneId: 'VARCHAR', InstanceType: 'VARCHAR',
        ProductDescription: 'VARCHAR', SpotPrice: 'DECIMAL(20, 10)', Timestamp: 'TIMESTAMPTZ'})
    WHERE dt >= DATE '2020-01-01'
    GROUP BY ALL
    """,
    [f"{sys.argv[1]}/raw/aws_spot_prices/**/*.ndjson.gz"],
).fetchall()
json.dump(rows, sys.stdout)
