"""Runs the SQL on standard input with DuckDB and prints the rows as JSON."""

import json
import sys

import duckdb

json.dump(duckdb.sql(sys.stdin.read()).fetchall(), sys.stdout, default=str)
