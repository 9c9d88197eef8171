"""DuckDB runs the statements that Contrail prints, and answers."""

import importlib
import pathlib
import sys

import duckdb
from common import answer, asked, run

task = asked()
# A file of its own in memory: nothing is left behind. The time zone decides how times are shown, and nothing else.
connection = duckdb.connect()
connection.execute("SET TimeZone = 'UTC'")
# Where there is no network extensions come with Python, not by themselves.
for extension in sys.argv[1:]:
    module = importlib.import_module(f"duckdb_extension_{extension}")
    file = next(pathlib.Path(module.__file__).parent.glob(f"extensions/*/{extension}.duckdb_extension"))
    connection.execute(f"LOAD '{file}'")


def query(text):
    return connection.execute(text).fetchall()


examples = run(task["ddl"], connection.execute, query)
answer(examples, [query(question) for question in task["questions"]])
