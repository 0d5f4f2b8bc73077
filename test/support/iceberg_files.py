"""Reads and writes Iceberg tables that stand in files, with engines that know nothing of Weir.

A table is the file `pointer.json` in its folder, which names its metadata. One JSON request per line on stdin, one JSON
answer per line on stdout.
"""

import importlib
import json
import os
import pathlib
import sys
import traceback

import duckdb
import pyarrow
from pyiceberg.catalog import MetastoreCatalog
from pyiceberg.exceptions import CommitFailedException
from pyiceberg.io import load_file_io
from pyiceberg.serializers import FromInputFile
from pyiceberg.table import CommitTableResponse, Table


class PointerCatalog(MetastoreCatalog):
    """Tables by the folders that they stand in."""

    def _pointer(self, folder):
        return pathlib.Path(folder) / "pointer.json"

    def load_table(self, identifier):
        folder = identifier if isinstance(identifier, str) else identifier[-1]
        location = json.loads(self._pointer(folder).read_text())["metadataLocation"]
        io = load_file_io({}, location)
        metadata = FromInputFile.table_metadata(io.new_input(location))
        return Table(("files", folder), metadata, location, io, self)

    def commit_table(self, table, requirements, updates):
        folder = table.name()[-1]
        pointer = json.loads(self._pointer(folder).read_text())
        current = self.load_table(folder)
        staged = self._update_and_stage_table(current, ("files", folder), requirements, updates)
        self._write_metadata(staged.metadata, staged.io, staged.metadata_location)
        if json.loads(self._pointer(folder).read_text()) != pointer:
            raise CommitFailedException("the table was changed meanwhile")
        entry = {"metadataLocation": staged.metadata_location, "version": str(int(pointer["version"]) + 1)}
        temporary = self._pointer(folder).with_suffix(".new")
        temporary.write_text(json.dumps(entry))
        os.replace(temporary, self._pointer(folder))
        return CommitTableResponse(metadata=staged.metadata, metadata_location=staged.metadata_location)


# What is not needed here stays abstract.
PointerCatalog.__abstractmethods__ = frozenset()
CATALOG = PointerCatalog("files")


def extension_file(name):
    """The extension as it came from PyPI: nothing is downloaded, nothing is copied into the home directory."""
    package = importlib.import_module(f"duckdb_extension_{name}")
    folder = pathlib.Path(next(iter(package.__path__)))
    return folder / "extensions" / f"v{duckdb.__version__}" / f"{name}.duckdb_extension"


def duck():
    connection = duckdb.connect(config={"autoinstall_known_extensions": False})
    for name in ("avro", "iceberg"):
        connection.execute(f"LOAD '{extension_file(name)}'")
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET threads = 1")
    return connection


DUCK = duck()


def rows_of(relation, request):
    columns = ", ".join(f"{sql} AS c{at}" for at, sql in enumerate(request["columns"]))
    return DUCK.execute(f"SELECT {columns} FROM {relation} ORDER BY ALL").fetchall()


def read(request):
    table = CATALOG.load_table(request["folder"])
    snapshot = request.get("snapshot")
    at = {} if snapshot is None else {"snapshot_id": int(snapshot)}
    as_of = "" if snapshot is None else f", snapshot_from_id={snapshot}"
    scan = f"iceberg_scan('{table.metadata_location}'{as_of})"
    answer = {}
    if "duckdb" in request["engines"]:
        answer["duckdb"] = rows_of(scan, request)
    if "pyiceberg" in request["engines"]:
        DUCK.register("by_iceberg", table.scan(**at).to_arrow())
        answer["pyiceberg"] = rows_of("by_iceberg", request)
    return answer


def plan(request):
    """How many rows match, by either engine, and how many files PyIceberg opens for it."""
    table = CATALOG.load_table(request["folder"])
    found = table.scan(row_filter=request["filter"])
    scan = f"iceberg_scan('{table.metadata_location}')"
    return {
        "files": len(list(table.scan().plan_files())),
        "planned": len(list(found.plan_files())),
        "pyiceberg": found.to_arrow().num_rows,
        "duckdb": DUCK.execute(f"SELECT count(*) FROM {scan} WHERE {request['filter']}").fetchone()[0],
    }


def append(request):
    """Appends rows of the table's first ones once more, in files of PyIceberg's own making."""
    table = CATALOG.load_table(request["folder"])
    rows = table.scan(row_filter=request["filter"]).to_arrow()
    table.append(pyarrow.table(rows.columns, schema=rows.schema))
    return {"rows": rows.num_rows}


def delete(request):
    table = CATALOG.load_table(request["folder"])
    table.delete(request["filter"])
    return {}


WORK = {"read": read, "plan": plan, "append": append, "delete": delete}


def main():
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = WORK[request["do"]](request)
        except Exception:  # the next request may still be answered
            answer = {"error": traceback.format_exc()}
        print(json.dumps(answer, default=str), flush=True)


main()
