"""Reads, and appends to, an Iceberg table with engines that know nothing of Weir.

One JSON request per line on stdin, one JSON answer per line on stdout.
"""

import importlib
import json
import os
import pathlib
import sys
import traceback

import duckdb
import pyarrow
from pyiceberg.catalog.glue import GlueCatalog

ENDPOINT = os.environ["AWS_ENDPOINT_URL"]
REGION = os.environ["AWS_REGION"]
KEYS = os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"]

CATALOG = GlueCatalog(
    "glue",
    **{
        "glue.endpoint": ENDPOINT,
        "glue.region": REGION,
        "glue.access-key-id": KEYS[0],
        "glue.secret-access-key": KEYS[1],
        "s3.endpoint": ENDPOINT,
        "s3.region": REGION,
        "s3.access-key-id": KEYS[0],
        "s3.secret-access-key": KEYS[1],
        "s3.path-style-access": "true",
    },
)


def extension_file(name):
    """The extension as it came from PyPI: nothing is downloaded, nothing is copied into the home directory."""
    package = importlib.import_module(f"duckdb_extension_{name}")
    folder = pathlib.Path(next(iter(package.__path__)))
    return folder / "extensions" / f"v{duckdb.__version__}" / f"{name}.duckdb_extension"


def duck():
    connection = duckdb.connect(config={"autoinstall_known_extensions": False})
    for name in ("httpfs", "avro", "iceberg"):
        connection.execute(f"LOAD '{extension_file(name)}'")
    host = ENDPOINT.split("://", 1)[1]
    connection.execute(
        f"CREATE SECRET (TYPE s3, KEY_ID '{KEYS[0]}', SECRET '{KEYS[1]}', REGION '{REGION}',"
        f" ENDPOINT '{host}', URL_STYLE 'path', USE_SSL {ENDPOINT.startswith('https')})"
    )
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def summarize(connection, relation, request):
    columns = request["columns"]
    nulls = ", ".join(f"count(*) - count({name}) AS {name}_nulls" for name in columns)
    sums = ", ".join(f"CAST(sum({name}) AS VARCHAR) AS \"{name}_sum\"" for name in request["sums"])
    extremes = ", ".join(
        f"CAST(min({name}) AS VARCHAR) AS {name}_min, CAST(max({name}) AS VARCHAR) AS {name}_max"
        for name in request["extremes"]
    )
    query = f"SELECT count(*) AS rows, {nulls}, {sums}, {extremes} FROM {relation}"
    row = connection.execute(query).fetchone()
    answer = dict(zip([column[0] for column in connection.description], row, strict=True))
    filtered = f"SELECT count(*) FROM {relation} WHERE {request['where']}"
    answer["filtered_rows"] = connection.execute(filtered).fetchone()[0]
    return answer


def read(request):
    table = CATALOG.load_table((request["database"], request["name"]))
    connection = duck()
    snapshot = request.get("snapshot")
    at = {} if snapshot is None else {"snapshot_id": int(snapshot)}
    as_of = "" if snapshot is None else f", snapshot_from_id={snapshot}"
    scan = f"iceberg_scan('{table.metadata_location}'{as_of})"
    connection.register("by_iceberg", table.scan(**at).to_arrow())
    plan = connection.execute(
        f"EXPLAIN ANALYZE SELECT count(*) FROM {scan} WHERE {request['where']}"
    ).fetchall()
    return {
        "pyiceberg": summarize(connection, "by_iceberg", request),
        "duckdb": summarize(connection, scan, request),
        "files": len(list(table.scan(**at).plan_files())),
        "filesFiltered": len(list(table.scan(row_filter=request["rowFilter"], **at).plan_files())),
        "duckdbPlan": plan[0][1],
        "snapshots": [
            [str(snapshot.snapshot_id), snapshot.summary.operation.value, dict(snapshot.summary.additional_properties)]
            for snapshot in table.snapshots()
        ],
        "properties": dict(table.properties),
        "sortOrder": str(table.sort_order()),
    }


def rows(request):
    """All rows with these columns, as text, in the order of them."""
    table = CATALOG.load_table((request["database"], request["name"]))
    connection = duck()
    connection.register("by_iceberg", table.scan().to_arrow())
    columns = ", ".join(f"CAST({name} AS VARCHAR) AS {name}" for name in request["columns"])

    def read_from(relation):
        return connection.execute(f"SELECT {columns} FROM {relation} ORDER BY ALL").fetchall()

    return {
        "pyiceberg": read_from("by_iceberg"),
        "duckdb": read_from(f"iceberg_scan('{table.metadata_location}')"),
    }


def append(request):
    """Appends the rows that the table has, once more, in files of PyIceberg's own making."""
    table = CATALOG.load_table((request["database"], request["name"]))
    rows = table.scan().to_arrow()
    table.append(pyarrow.table(rows.columns, schema=rows.schema))
    return {"rows": rows.num_rows, "snapshot": str(table.current_snapshot().snapshot_id)}


def main():
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = {"read": read, "rows": rows, "append": append}[request["do"]](request)
        except Exception:  # the next request may still be answered
            answer = {"error": traceback.format_exc()}
        print(json.dumps(answer, default=str), flush=True)


main()
