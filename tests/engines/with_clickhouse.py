"""ClickHouse, as chDB, runs the statements that Contrail prints, and answers."""

import datetime
import json
from decimal import Decimal

from chdb.session import Session
from common import answer, asked, run

task = asked()
session = Session()
# As standard SQL has it: nothing of nothing is NULL.
session.query("SET aggregate_functions_null_for_empty = 1")


def value(kind, text):
    if text is None:
        return None
    if "Decimal" in kind:
        return Decimal(text)
    if "DateTime64" in kind:
        return datetime.datetime.fromisoformat(text)
    return text


def query(text):
    settings = "output_format_json_quote_decimals = 1"
    output = session.query(f"{text} SETTINGS {settings}", "JSONCompactEachRowWithNamesAndTypes")
    lines = [json.loads(line) for line in output.bytes().decode().splitlines()]
    kinds = lines[1]
    return [[value(*pair) for pair in zip(kinds, row)] for row in lines[2:]]


examples = run(task["ddl"], session.query, query)
answer(examples, [query(question) for question in task["questions"]])
