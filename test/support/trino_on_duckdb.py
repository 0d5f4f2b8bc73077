"""Reads {"tables": {name: [parquet paths]}, "statements": [...]} from stdin, runs each statement of Trino's dialect on DuckDB,
and prints a JSON list: the rows of each, values as text that says all, or {"error"}."""

import datetime
import decimal
import json
import logging
import sys

import duckdb
import sqlglot


def text(value):
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, float):
        return {"double": value.hex()}
    if isinstance(value, datetime.datetime):
        since = value - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
        return str((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds)
    if isinstance(value, decimal.Decimal):
        return format(value, "f")
    return str(value)


def answer(engine, statement):
    try:
        ours = sqlglot.transpile(statement, read="trino", write="duckdb")
        assert len(ours) == 1
        return [[text(value) for value in row] for row in engine.execute(ours[0]).fetchall()]
    except Exception as error:  # Each statement answers for itself.
        return {"error": str(error).splitlines()[0], "sql": statement}


logging.disable(logging.CRITICAL)
request = json.load(sys.stdin)
engine = duckdb.connect(config={"threads": 1})
engine.execute("SET TimeZone = 'UTC'")
for name, paths in request["tables"].items():
    files = ", ".join("'" + path.replace("'", "''") + "'" for path in paths)
    engine.execute(f'CREATE TABLE "{name}" AS SELECT * FROM read_parquet([{files}])')
json.dump([answer(engine, one) for one in request["statements"]], sys.stdout)
