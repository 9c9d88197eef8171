"""What all engines share: what is asked comes as JSON on standard input, what is answered goes out as JSON, and a value
is written the same whichever engine it comes from."""

import datetime
import json
import sys
from decimal import Decimal


def asked():
    """`ddl`: statements as Contrail prints them. `questions`: queries. Whatever else an engine needs."""
    return json.load(sys.stdin)


def answer(examples, answers):
    """`examples`: the rows of each query among the statements. `answers`: the rows of each question."""
    rows = [[[canonical(value) for value in row] for row in table] for table in [*examples, *answers]]
    json.dump({"examples": rows[: len(examples)], "answers": rows[len(examples) :]}, sys.stdout)


def canonical(value):
    if value is None:
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Decimal):
        # Without an exponent, and without zeros at the end: engines differ in the scale of sums. `normalize` would round.
        text = format(value, "f")
        return text.rstrip("0").rstrip(".") if "." in text else text
    if isinstance(value, datetime.datetime):
        utc = value.replace(tzinfo=datetime.timezone.utc) if value.tzinfo is None else value
        return utc.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    if isinstance(value, datetime.date):
        return value.isoformat()
    return str(value)


def statements(ddl):
    """The statements of a text, in order, without comments. No string of ours holds a semicolon at the end of a line."""
    lines = [line for line in ddl.splitlines() if not line.startswith("--")]
    return [statement.strip() for statement in "\n".join([*lines, ""]).split(";\n") if statement.strip()]


def is_query(statement):
    return statement.split(None, 1)[0].upper() in ("SELECT", "WITH")


def run(ddl, execute, query):
    """Executes the statements of a text; answers with the rows of its queries."""
    rows = []
    for statement in statements(ddl):
        if is_query(statement):
            rows.append(query(statement))
        else:
            execute(statement)
    return rows
