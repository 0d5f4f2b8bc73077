"""Athena's type names, and its text for a value."""

import datetime
import decimal
import math
import re


class AthenaType(str):
    """A type's name, with what the result's metadata says about it besides."""

    precision = 0
    scale = 0


_BY_DUCKDB = {
    "BOOLEAN": "boolean", "TINYINT": "tinyint", "SMALLINT": "smallint", "INTEGER": "integer", "BIGINT": "bigint",
    "HUGEINT": "bigint", "UTINYINT": "smallint", "USMALLINT": "integer", "UINTEGER": "bigint", "UBIGINT": "bigint",
    "FLOAT": "float", "DOUBLE": "double", "VARCHAR": "varchar", "BLOB": "varbinary", "DATE": "date", "TIME": "time",
    "TIMESTAMP": "timestamp", "TIMESTAMP_MS": "timestamp", "TIMESTAMP_S": "timestamp", "TIMESTAMP_NS": "timestamp",
    "TIMESTAMP WITH TIME ZONE": "timestamp with time zone", "UUID": "varchar", "JSON": "json",
}
_PRECISIONS = {"tinyint": 3, "smallint": 5, "integer": 10, "bigint": 19, "float": 17, "double": 17,
               "varchar": 2147483647, "timestamp": 3, "timestamp with time zone": 3}


def athena_type(duckdb_type):
    name = str(duckdb_type)
    if parameters := re.fullmatch(r"DECIMAL\((\d+),\s*(\d+)\)", name):
        result = AthenaType("decimal")
        result.precision, result.scale = int(parameters[1]), int(parameters[2])
        return result
    if name.endswith("]"):
        plain = "array"
    elif name.startswith("STRUCT"):
        plain = "row"
    elif name.startswith("MAP"):
        plain = "map"
    else:
        plain = _BY_DUCKDB.get(name, "varchar")
    result = AthenaType(plain)
    result.precision = _PRECISIONS.get(plain, 0)
    return result


def precision_and_scale(kind):
    return (kind.precision, kind.scale) if isinstance(kind, AthenaType) else (_PRECISIONS.get(kind, 0), 0)


def text(value, kind=None):
    """The value as GetQueryResults shows it; None stays None, a datum without text."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _double(value)
    if isinstance(value, decimal.Decimal):
        return format(value, "f")
    if isinstance(value, datetime.datetime):
        shown = value.strftime("%Y-%m-%d %H:%M:%S.%f")
        # Years before 1000 lose their leading zeros in strftime on some systems.
        shown = shown if shown.index("-") == 4 else shown.zfill(26)
        return f"{shown} UTC" if value.tzinfo is not None else shown
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value).hex(" ")
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_inner(key)}={_inner(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_inner(item) for item in value) + "]"
    return str(value)


def _inner(value):
    return "null" if value is None else text(value)


def _double(value):
    """As Java prints a double, which is what Trino does: 1.0E7, NaN, Infinity."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        return _plain(value)
    digits, exponent = f"{decimal.Decimal(repr(value)).normalize():E}".split("E")
    return f"{digits if '.' in digits else digits + '.0'}E{int(exponent)}"


def _plain(value):
    shown = format(decimal.Decimal(repr(value)), "f")
    return shown if "." in shown else shown + ".0"
