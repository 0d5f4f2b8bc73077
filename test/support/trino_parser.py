"""Reads a JSON list of statements from stdin and prints a JSON list: what is wrong with each, or null."""

import json
import logging
import sys

import sqlglot
from sqlglot import ErrorLevel, exp


def problem(statement):
    try:
        parsed = sqlglot.parse(statement, dialect="trino", error_level=ErrorLevel.RAISE)
    except sqlglot.errors.SqlglotError as error:
        return str(error).splitlines()[0]
    if len(parsed) != 1 or parsed[0] is None:
        return f"{len(parsed)} statements"
    # What it does not understand it keeps as text.
    if isinstance(parsed[0], exp.Command) or parsed[0].find(exp.Command):
        return "not understood"
    # A function that it does not know is one of another dialect, or none.
    unknown = [node.name for node in parsed[0].find_all(exp.Anonymous)]
    return f"unknown function {unknown[0]}" if unknown else None


logging.disable(logging.CRITICAL)
json.dump([problem(statement) for statement in json.load(sys.stdin)], sys.stdout)
