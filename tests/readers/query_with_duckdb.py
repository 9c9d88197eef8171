"""Asks DuckDB the queries argv[2:] of the lake in argv[1]; prints the rows of each as JSON, in the words of `contrail query`."""

import decimal
import json
import sys

import duckdb

lake, queries = sys.argv[1], sys.argv[2:]
duckdb.execute("SET TimeZone = 'UTC'")
duckdb.execute(
    f"""
    CREATE VIEW spot_prices AS
    FROM read_parquet('{lake}/tables/spot_prices/**/*.parquet', hive_partitioning = true);
    CREATE VIEW raw_aws_spot_prices AS
    FROM read_json('{lake}/raw/aws_spot_prices/**/*.ndjson.gz', format = 'newline_delimited', hive_partitioning = true,
        ignore_errors = true,
        columns = {{InstanceType: 'VARCHAR', SpotPrice: 'VARCHAR', Timestamp: 'VARCHAR'}})
    """
)


def said(value):
    if isinstance(value, decimal.Decimal):
        text = f"{value:f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    return value


answers = []
for query in queries:
    asked = duckdb.execute(query)
    names = [column[0] for column in asked.description]
    answers.append([dict(zip(names, map(said, row))) for row in asked.fetchall()])
json.dump(answers, sys.stdout)
