"""Athena as Athena behaves, where MiniStack's own differs: Iceberg tables, partitions, types, errors, bytes scanned.

MiniStack reads every file below a table's location. For an Iceberg table that is wrong (dead files, the metadata
itself), so here the tables that a query names become views in a scratch DuckDB catalog: an Iceberg table is what its
current metadata says, a Hive table is what its partitions hold. The query itself runs as it was written, except for
the three things DuckDB cannot parse (see athena_sql).
"""

import asyncio
import itertools
import json
import re
import threading
import time
from urllib.parse import urlparse

import duckdb
from ministack.core.responses import get_account_id, get_region
from ministack.services import athena, glue

import athena_functions
import athena_sql
import athena_tables
import athena_values

_query_numbers = itertools.count()
_engines = {}
_engines_lock = threading.Lock()


class QueryFailed(Exception):
    """A failure of the query, not of the engine; the text is what Athena's users see."""


def install(port):
    """Puts this module in the place of MiniStack's query execution."""
    global _port
    _port = port
    athena._execute_query = _execute_query
    athena._type_precision_scale = athena_values.precision_and_scale
    # Loading the extensions takes some 200 ms: not in the first query.
    threading.Thread(target=_engine_of, args=("000000000000", "us-east-1"), daemon=True).start()


def _engine_of(account, region):
    """One DuckDB per account and region, with the extensions loaded once; each query gets a cursor of it."""
    with _engines_lock:
        if (account, region) not in _engines:
            _engines[account, region] = _open_engine(account, region)
        return _engines[account, region]


def _open_engine(account, region):
    engine = duckdb.connect(":memory:", config={
        "autoinstall_known_extensions": False, "autoload_known_extensions": False})
    for name in ("httpfs", "avro", "iceberg"):
        engine.execute(f"LOAD '{athena_tables.extension_file(name)}'")
    # Bytes scanned must not depend on what an earlier query has read.
    engine.execute("SET GLOBAL enable_external_file_cache = false")
    engine.execute("SET GLOBAL integer_division = true")
    engine.execute("SET GLOBAL TimeZone = 'UTC'")
    # A 12-digit key id is the root of that account, in both modes of MiniStack.
    engine.execute(
        f"CREATE SECRET local_s3 (TYPE S3, KEY_ID '{account}', SECRET 'test', REGION '{region}', "
        f"ENDPOINT '127.0.0.1:{_port}', URL_STYLE 'path', USE_SSL false)")
    for macro in athena_functions.MACROS:
        engine.execute(f"CREATE MACRO {macro}")
    return engine


async def _execute_query(query_id, query, database, ddl, catalog=None):
    execution = athena._executions.get(query_id)
    if not execution:
        return
    status, statistics = execution["Status"], execution["Statistics"]
    status["State"] = "RUNNING"
    started = time.monotonic()
    try:
        if ddl is not None:
            results = {**athena._run_ddl(ddl, database), "scanned_bytes": 0}
        else:
            results = await asyncio.to_thread(_run, query, database or "default")
        if status["State"] == "CANCELLED":
            return
        execution["_results"] = {"columns": results["columns"], "rows": results["rows"]}
        execution["_column_types"] = results["column_types"]
        elapsed_ms = int((time.monotonic() - started) * 1000)
        statistics["EngineExecutionTimeInMillis"] = elapsed_ms
        statistics["TotalExecutionTimeInMillis"] = elapsed_ms
        statistics["DataScannedInBytes"] = results["scanned_bytes"]
        _save(execution)
        status["State"] = "SUCCEEDED"
    except Exception as error:  # noqa: BLE001, whatever it is, it is the query that failed
        if status["State"] != "CANCELLED":
            reason = _reason(error, query, database or "default")
            athena.logger.warning("Athena query %s failed: %s", query_id, reason)
            status["State"] = "FAILED"
            status["StateChangeReason"] = reason
            status["AthenaError"] = {
                "ErrorCategory": 2, "ErrorType": 1006, "Retryable": False, "ErrorMessage": reason}
            execution["_error"] = reason
    status["CompletionDateTime"] = time.time()


def _run(query, database):
    """The rows of one query, as text; runs on a worker thread."""
    query = query.strip().rstrip(";").strip()
    if shown := athena_sql.shown(query):
        return _show(*shown, database)
    connection = _engine_of(get_account_id(), get_region()).cursor()
    scratch = f"query_{next(_query_numbers)}"
    try:
        connection.execute(f"ATTACH ':memory:' AS {scratch}")
        views = athena_tables.create_views(connection, scratch, query, database)
        rewritten = athena_sql.rewrite(query, scratch, lambda *version: athena_tables.create_version_view(
            connection, scratch, database, *version))
        statements = connection.extract_statements(rewritten)
        if len(statements) != 1:
            raise QueryFailed("Only one sql statement is allowed")
        if statements[0].type not in (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN):
            raise QueryFailed(f"NOT_SUPPORTED: the local Athena only reads, this is {statements[0].type.name}")
        connection.execute(f"SET search_path = '{scratch}.{athena_sql.quoted(database)},memory.main'")
        connection.execute("PRAGMA enable_profiling = 'no_output'")
        connection.execute("""SET custom_profiling_settings = '{"TOTAL_BYTES_READ": "true", "EXTRA_INFO": "true"}'""")
        try:
            result = connection.execute(statements[0])
            description = result.description or []
            rows = result.fetchall()
        except duckdb.CatalogException as error:
            # The table is there, but it could not be opened: say why, not that it is missing.
            raise next((problem for table, problem in views.problems.items() if _names(error, table)), error)
        profile = json.loads(connection.get_profiling_information())
        types = [athena_values.athena_type(column[1]) for column in description]
        return {
            "columns": [_column_name(column[0], i, views) for i, column in enumerate(description)],
            "column_types": types,
            "rows": [[athena_values.text(value) for value in row] for row in rows],
            "scanned_bytes": profile.get("total_bytes_read", 0) + views.bytes_of_text_files(profile),
        }
    finally:
        connection.execute("SET search_path = 'memory.main'")
        connection.execute(f"DETACH DATABASE IF EXISTS {scratch}")
        connection.close()


def _show(what, database, default_database):
    """SHOW TABLES and SHOW DATABASES, from the catalog."""
    if what == "tables":
        schema = database or default_database
        names = sorted(key.split("/", 1)[1] for key in glue._tables if key.split("/", 1)[0] == schema)
    else:
        names = sorted(glue._databases)
    column = "tab_name" if what == "tables" else "database_name"
    return {"columns": [column], "column_types": ["string"], "rows": [[name] for name in names], "scanned_bytes": 0}


def _column_name(name, position, views):
    """A column that is an expression without an alias has no name in Trino, and Athena numbers it."""
    is_name = re.fullmatch(r"[A-Za-z_]\w*", name) is not None and name not in ("NULL", "true", "false")
    return name if is_name or name in views.quoted_names else f"_col{position}"


def _names(error, table):
    return re.search(rf"\bname {re.escape(table)} does not exist", str(error), re.IGNORECASE) is not None


def _reason(error, query, database):
    """One line in Athena's words for what people get wrong most, DuckDB's first line for the rest."""
    if isinstance(error, (QueryFailed, ValueError)):
        return str(error)
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    first = lines[0] if lines else type(error).__name__
    where = _position(str(error), query)
    if missing := re.search(r"Table with name (\S+) does not exist", first):
        table = _qualified(missing[1], query, database)
        schema = table.split(".")[0]
        if schema not in glue._databases and schema != "default":
            return f"SCHEMA_NOT_FOUND: {where}Schema '{schema}' does not exist"
        return f"TABLE_NOT_FOUND: {where}Table 'awsdatacatalog.{table}' does not exist"
    if missing := re.search(r'(?:Referenced column "([^"]+)" not found|does not have a column named "([^"]+)")', first):
        return f"COLUMN_NOT_FOUND: {where}Column '{missing[1] or missing[2]}' cannot be resolved"
    if missing := re.search(r"Function with name \"?([\w.]+)\"? does not exist", first):
        return f"FUNCTION_NOT_FOUND: {where}Function '{missing[1]}' not registered"
    if missing := re.search(r'(?:Schema with name|No catalog \+ schema named|schema) "?([\w.]+)"? (?:does not exist|found)', first):
        return f"SCHEMA_NOT_FOUND: {where}Schema '{missing[1]}' does not exist"
    if isinstance(error, duckdb.ParserException):
        return f"SYNTAX_ERROR: {where}{first.removeprefix('Parser Error: ')}"
    return first[:500]


def _position(message, query):
    """``line 3:8: `` from DuckDB's caret, where it prints one."""
    found = re.search(r"^LINE (\d+): (.*)\n( *)\^", message, re.MULTILINE)
    if not found or "..." in found[2][:3]:
        return ""
    return f"line {found[1]}:{len(found[3]) - len(f'LINE {found[1]}: ') + 1}: "


def _qualified(table, query, database):
    """The table as Athena names it: with the database that the query gave it, or the context's."""
    table = table.strip('"').removesuffix("!")
    if "." in table:
        return table
    named = re.search(rf"""([\w-]+)["`]?\s*\.\s*["`]?{re.escape(table)}\b""", query, re.IGNORECASE)
    return f"{named[1] if named else database}.{table}"


def _save(execution):
    """Writes the result file to where ``ResultConfiguration.OutputLocation`` says it is."""
    from ministack.services import s3

    results = execution["_results"]
    lines = (",".join(_csv_field(value) for value in row) for row in [results["columns"], *results["rows"]])
    body = "".join(f"{line}\n" for line in lines).encode()
    location = urlparse(execution["ResultConfiguration"]["OutputLocation"])
    headers = {"content-type": "application/octet-stream", "content-length": str(len(body))}
    answer = s3._put_object(location.netloc, location.path.lstrip("/"), body, headers)
    if isinstance(answer, tuple) and answer[0] >= 300:
        raise QueryFailed(
            f"The S3 location provided to save your query results is invalid: {execution['ResultConfiguration']['OutputLocation']}")


def _csv_field(value):
    """Every value in quotes, so that a null, which is nothing at all, differs from an empty text."""
    return "" if value is None else '"' + value.replace('"', '""') + '"'
