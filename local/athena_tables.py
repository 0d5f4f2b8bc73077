"""What a Glue table's name stands for in DuckDB."""

import base64
import hashlib
import importlib
import json
import os
import pathlib
import re
import tempfile
import threading
from urllib.parse import quote, urlparse

import duckdb
from ministack.services import athena, glue, s3

import athena_partitions
import athena_sql
from athena_sql import literal, quoted

_SCALARS = {
    "boolean": "BOOLEAN", "tinyint": "TINYINT", "smallint": "SMALLINT", "int": "INTEGER", "integer": "INTEGER",
    "bigint": "BIGINT", "float": "FLOAT", "real": "FLOAT", "double": "DOUBLE", "string": "VARCHAR", "date": "DATE",
    "timestamp": "TIMESTAMP", "binary": "BLOB",
}
_COMPRESSIONS = {b"\x28\xb5\x2f\xfd": ".zst", b"\x1f\x8b": ".gz"}

_copies = set()
_copies_lock = threading.Lock()
_snapshots = {}


def extension_file(name):
    """The extension that came as a Python package: it is loaded from there, nothing is copied or downloaded."""
    package = importlib.import_module(f"duckdb_extension_{name}")
    folder = pathlib.Path(next(iter(package.__path__)))
    return folder / "extensions" / f"v{duckdb.__version__}" / f"{name}.duckdb_extension"


class Views:
    """What the views of one query stand on."""

    def __init__(self, query):
        self.quoted_names = athena_sql.quoted_names(query)
        # Why a table that the query may mean has no view.
        self.problems = {}
        # Folder of a table's local copies → (number of files, their bytes).
        self._text_files = {}

    def add_text_files(self, root, files):
        self._text_files[root] = (len(files), sum(os.path.getsize(file) for file in files))

    def bytes_of_text_files(self, profile):
        """DuckDB counts the bytes that it reads of Parquet, not those of JSON and CSV; it tells how many files it
        read, and files of one table are about alike."""
        total = sum(self.bytes_of_text_files(child) for child in profile.get("children", ()))
        details = profile.get("extra_info") or {}
        shown = str(details.get("Filename(s)", ""))
        root = next((root for root in self._text_files if root in shown), None)
        if root is None:
            return total
        count, size = self._text_files[root]
        read = re.match(r"(\d+)/", str(details.get("Scanning Files", "")))
        return total + (size * int(read[1]) // count if read else size)


def create_views(connection, catalog, query, database):
    """Views in the catalog for every table that the query may read, and for what the views among them read."""
    views = Views(query)
    schemas = {"default", database} if database in glue._databases else {"default"}
    mentioned = _mentioned(query)
    schemas |= {name for name in glue._databases if name.lower() in mentioned}
    for schema in schemas:
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {catalog}.{quoted(schema)}")
    tables, definitions = [], {}
    for key, table in list(glue._tables.items()):
        schema, _, name = key.partition("/")
        if schema not in schemas or name.lower() not in mentioned:
            continue
        if definition := view_definition(table):
            definitions[key] = definition
        else:
            tables.append((key, table))
    for key, table in tables:
        schema, _, name = key.partition("/")
        try:
            relation = _relation(connection, key, table, query, views)
            connection.execute(f"CREATE VIEW {catalog}.{quoted(schema)}.{quoted(name)} AS {relation}")
        except Exception as error:  # noqa: BLE001, the name may also be a column's: only the query can tell
            views.problems[name] = error
    _create_athena_views(connection, catalog, definitions, views)
    return views


def _mentioned(query):
    """The names in the query, and in the queries of views that these may mean."""
    found, new = set(), athena_sql.names(query)
    while new:
        found |= new
        queries = [definition["originalSql"] for key, table in list(glue._tables.items())
                   if key.partition("/")[2].lower() in new and (definition := view_definition(table))]
        new = set().union(*(athena_sql.names(text) for text in queries)) - found
    return found


def view_definition(table):
    """What Athena keeps of a view: JSON in base64 inside of a comment. None if the entry is no view."""
    text = re.fullmatch(r"/\* Presto View: (\S+) \*/", table.get("ViewOriginalText") or "")
    if table.get("TableType") != "VIRTUAL_VIEW" or text is None:
        return None
    return json.loads(base64.b64decode(text[1]))


def _create_athena_views(connection, catalog, definitions, views):
    """Views after those that they stand on: each is tried again for as long as others could be created."""
    waiting = dict(definitions)
    while waiting:
        created = []
        for key, definition in waiting.items():
            schema, _, name = key.partition("/")
            try:
                connection.execute(f"SET search_path = '{catalog}.{quoted(definition['schema'])},memory.main'")
                rewritten = athena_sql.rewrite(definition["originalSql"], catalog, lambda *version: create_version_view(
                    connection, catalog, definition["schema"], *version))
                columns = ", ".join(quoted(column["name"]) for column in definition["columns"])
                connection.execute(f"CREATE VIEW {catalog}.{quoted(schema)}.{quoted(name)} ({columns}) AS {rewritten}")
                created.append(key)
            except Exception as error:  # noqa: BLE001, as for tables
                views.problems[name] = error
        if not created:
            return
        for key in created:
            views.problems.pop(key.partition("/")[2], None)
            del waiting[key]


def create_version_view(connection, catalog, default_database, database, table_name, kind, expression):
    """A view of the table as an old snapshot left it; returns the view's full name."""
    schema = database or default_database
    table = glue._tables.get(f"{schema}/{table_name}")
    if table is None:
        raise ValueError(f"TABLE_NOT_FOUND: Table 'awsdatacatalog.{schema}.{table_name}' does not exist")
    metadata_location = _metadata_location(table)
    if metadata_location is None:
        raise ValueError(f"NOT_SUPPORTED: {schema}.{table_name} is no Iceberg table and has no versions")
    history = _history(metadata_location)
    snapshot = _snapshot_by_version(connection, history, expression) if kind == "version" \
        else _snapshot_by_time(connection, history, expression)
    view = f"{catalog}.{quoted(schema)}.{quoted(f'{table_name}@{snapshot}')}"
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {catalog}.{quoted(schema)}")
    connection.execute(f"CREATE VIEW IF NOT EXISTS {view} AS SELECT * FROM iceberg_scan("
                       f"{literal(metadata_location)}, snapshot_from_id = {snapshot})")
    return view


def _snapshot_by_version(connection, history, expression):
    version = connection.execute(f"SELECT {expression}").fetchone()[0]
    snapshot = history["refs"].get(version, version)
    if snapshot not in history["ids"]:
        raise ValueError(f"INVALID_ARGUMENTS: Iceberg snapshot ID does not exists: {version}")
    return snapshot


def _snapshot_by_time(connection, history, expression):
    moment = connection.execute(f"SELECT epoch_ms(CAST({expression} AS TIMESTAMPTZ))").fetchone()[0]
    current = [snapshot for since, snapshot in history["log"] if since <= moment]
    if not current:
        raise ValueError(f"INVALID_ARGUMENTS: No version history table at or before {expression}")
    return current[-1]


def _history(metadata_location):
    """What time travel needs of a metadata file. A metadata file never changes, so one look is enough."""
    if metadata_location not in _snapshots:
        location = urlparse(metadata_location)
        body = s3._get_object_data(location.netloc, location.path.lstrip("/"))
        if body is None:
            raise ValueError(f"ICEBERG_INVALID_METADATA: Metadata not found: {metadata_location}")
        metadata = json.loads(body)
        _snapshots[metadata_location] = {
            "ids": {snapshot["snapshot-id"] for snapshot in metadata.get("snapshots") or []},
            "refs": {name: ref["snapshot-id"] for name, ref in (metadata.get("refs") or {}).items()},
            "log": sorted((entry["timestamp-ms"], entry["snapshot-id"]) for entry in metadata.get("snapshot-log") or []),
        }
    return _snapshots[metadata_location]


def _metadata_location(table):
    parameters = table.get("Parameters") or {}
    if parameters.get("table_type", "").upper() != "ICEBERG":
        return None
    return parameters.get("metadata_location")


def _relation(connection, name, table, query, views):
    metadata_location = _metadata_location(table)
    if metadata_location is not None:
        return f"SELECT * FROM iceberg_scan({literal(metadata_location)})"
    athena_partitions.check_injected(table.get("PartitionKeys") or [], table.get("Parameters") or {}, query)
    root = os.path.join(tempfile.gettempdir(), "athena", hashlib.sha256(name.encode()).hexdigest()[:16])
    uris = _local_files(root, name, table)
    files = list(uris)
    # Hidden, unless it is asked for.
    path = _PATH in views.quoted_names
    if not files:
        return _no_rows(table, path)
    file_format = athena._data_format(table)
    if file_format == "parquet":
        return _parquet_relation(connection, table, files, _path_column(uris) if path else [])
    views.add_text_files(root, files)
    if file_format == "json":
        return _json_relation(table, files, _path_column(uris) if path else [])
    return f"SELECT * FROM {athena._table_relation(table, files)}"


_PATH = "$path"


def _path_column(uris):
    """The object that a row comes from, for a reader that tells its local file."""
    pairs = ", ".join(f"{literal(file)}: {literal(uri)}" for file, uri in uris.items())
    return [f"MAP {{{pairs}}}[filename] AS {quoted(_PATH)}"]


def _json_relation(table, files, path):
    """One JSON object a line, read as the table's columns say and not as the files look."""
    serde = ((table.get("StorageDescriptor") or {}).get("SerdeInfo") or {}).get("Parameters") or {}
    fields = {column["Name"]: serde.get(f"mapping.{column['Name']}", column["Name"]) for column in _columns(table)}
    types = ", ".join(f"{literal(fields[column['Name']])}: {literal(duckdb_type(column['Type']))}" for column in _columns(table))
    selected = [f"{quoted(field)} AS {quoted(name)}" for name, field in fields.items()]
    return (f"SELECT {', '.join(selected + _partition_columns(table) + path)} FROM read_json({athena._sql_list(files)}, "
            f"filename = {bool(path)}, format = 'newline_delimited', columns = {{{types}}}, maximum_object_size = 134217728, {_hive(table)})")


def _parquet_relation(connection, table, files, path):
    """Columns by name, as Athena reads them: one that no file has is null, one that the table lacks is not there."""
    reader = f"read_parquet({athena._sql_list(files)}, union_by_name = true, filename = {bool(path)}, {_hive(table)})"
    present = {row[0].lower() for row in connection.execute(f"DESCRIBE SELECT * FROM {reader}").fetchall()}
    selected = []
    for column in _columns(table):
        value = quoted(column["Name"]) if column["Name"].lower() in present else "NULL"
        selected.append(f"CAST({value} AS {duckdb_type(column['Type'])}) AS {quoted(column['Name'])}")
    return f"SELECT {', '.join(selected + _partition_columns(table) + path)} FROM {reader}"


def _no_rows(table, path):
    columns = _columns(table) + (table.get("PartitionKeys") or []) + ([{"Name": _PATH, "Type": "string"}] if path else [])
    selected = [f"CAST(NULL AS {duckdb_type(column['Type'])}) AS {quoted(column['Name'])}" for column in columns]
    return f"SELECT {', '.join(selected) or '1'} WHERE false"


def _columns(table):
    return (table.get("StorageDescriptor") or {}).get("Columns") or []


def _partition_columns(table):
    return [quoted(key["Name"]) for key in table.get("PartitionKeys") or []]


def _hive(table):
    keys = table.get("PartitionKeys") or []
    if not keys:
        return "hive_partitioning = false"
    types = ", ".join(f"{literal(key['Name'])}: {duckdb_type(key['Type'])}" for key in keys)
    return f"hive_partitioning = true, hive_types = {{{types}}}"


def _local_files(root, name, table):
    """The URIs of the table's objects by their local files, each below folders ``key=value`` for its partition.

    A copy is made once per version of an object and serves every later query; DuckDB skips the folders that a query's
    filter on partition columns rules out.
    """
    uris = {}
    for bucket, key, values in athena_partitions.objects(name, table):
        stored = (s3._buckets.get(bucket) or {}).get("objects", {}).get(key)
        if stored is None or not stored.get("size", 1):
            continue
        folders = [f"{partition}={quote(value, safe='')}" for partition, value in values]
        version = hashlib.sha256(f"{bucket}/{key}/{stored['etag']}".encode()).hexdigest()[:24]
        uris[_copy(bucket, key, os.path.join(root, *folders, version))] = f"s3://{bucket}/{key}"
    return uris


def _copy(bucket, key, path):
    """A local copy whose ending tells the compression, which is found out by the first bytes as Athena's readers do."""
    with _copies_lock:
        known = next((path + ending for ending in ("", *_COMPRESSIONS.values()) if path + ending in _copies), None)
    if known is not None:
        return known
    body = s3._get_object_data(bucket, key) or b""
    target = path + next((ending for magic, ending in _COMPRESSIONS.items() if body.startswith(magic)), "")
    os.makedirs(os.path.dirname(target), exist_ok=True)
    handle, staging = tempfile.mkstemp(dir=os.path.dirname(target), prefix=".")
    with os.fdopen(handle, "wb") as file:
        file.write(body)
    os.replace(staging, target)
    with _copies_lock:
        _copies.add(target)
    return target


def duckdb_type(hive_type):
    """``struct<a:int,b:array<string>>`` → ``STRUCT("a" INTEGER, "b" VARCHAR[])``."""
    kind = hive_type.strip()
    if nested := re.fullmatch(r"(array|map|struct)\s*<(.*)>", kind, re.IGNORECASE | re.DOTALL):
        parts = _split(nested[2])
        if nested[1].lower() == "array":
            return f"{duckdb_type(parts[0])}[]"
        if nested[1].lower() == "map":
            return f"MAP({duckdb_type(parts[0])}, {duckdb_type(parts[1])})"
        fields = (part.split(":", 1) for part in parts)
        return "STRUCT(" + ", ".join(f"{quoted(name.strip())} {duckdb_type(field)}" for name, field in fields) + ")"
    if parameters := re.fullmatch(r"decimal\s*(?:\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\))?", kind, re.IGNORECASE):
        return f"DECIMAL({parameters[1] or 10},{parameters[2] or 0})"
    return _SCALARS.get(kind.split("(")[0].strip().lower(), "VARCHAR")


def _split(text):
    """The parts of a type's parameters: at commas outside nested brackets."""
    parts, depth, start = [], 0, 0
    for i, character in enumerate(text):
        depth += (character in "<(") - (character in ">)")
        if character == "," and depth == 0:
            parts.append(text[start:i])
            start = i + 1
    return [*parts, text[start:]]
