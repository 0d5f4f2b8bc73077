"""Reads Parquet files with engines that know nothing of Weir.

A list of requests as JSON on stdin, the list of their answers as JSON on stdout.
"""

import json
import struct
import sys

import duckdb
import pyarrow
import pyarrow.compute
import pyarrow.dataset
import pyarrow.parquet


def plain(array):
    """Values as JSON can hold them exactly: integers, times and unscaled decimals as digits, doubles as their bits."""
    kind = array.type
    if pyarrow.types.is_struct(kind):
        fields = [plain(field) for field in array.flatten()]
        rows = [list(row) for row in zip(*fields, strict=True)]
        return [row if there else None for row, there in zip(rows, array.is_valid().to_pylist(), strict=True)]
    if pyarrow.types.is_list(kind):
        values = plain(array.values)
        offsets = array.offsets.to_pylist()
        there = array.is_valid().to_pylist()
        return [values[offsets[i] : offsets[i + 1]] if there[i] else None for i in range(len(array))]
    if pyarrow.types.is_timestamp(kind):
        array = array.cast(pyarrow.int64())
    if pyarrow.types.is_date(kind):
        array = array.cast(pyarrow.int32())
    convert = str
    if pyarrow.types.is_decimal(kind):
        convert = lambda value: str(int(value.scaleb(kind.scale)))
    if pyarrow.types.is_floating(kind):
        convert = lambda value: "nan" if value != value else struct.pack(">d", value).hex()
    if pyarrow.types.is_string(kind) or pyarrow.types.is_boolean(kind):
        convert = lambda value: value
    return [None if value is None else convert(value) for value in array.to_pylist()]


def rows_of(table):
    columns = [plain(column.combine_chunks()) if len(column) else [] for column in table.columns]
    return [list(row) for row in zip(*columns, strict=True)]


def described(field):
    kind = field.type
    children = [described(kind.field(i)) for i in range(kind.num_fields)]
    text = "struct" if pyarrow.types.is_struct(kind) else "list" if children else str(kind)
    return [field.name, int(field.metadata[b"PARQUET:field_id"]), text, field.nullable, children]


def wrong_statistics(file):
    """Where the statistics of a chunk are not those of its values. Nested columns are left out."""
    wrong = []
    for group in range(file.num_row_groups):
        table = file.read_row_group(group)
        chunks = [file.metadata.row_group(group).column(i) for i in range(file.metadata.num_columns)]
        for name in table.column_names:
            if pyarrow.types.is_nested(table[name].type):
                continue
            (chunk,) = [chunk for chunk in chunks if chunk.path_in_schema == name]
            values = table[name].drop_null()
            if pyarrow.types.is_floating(values.type):
                values = values.filter(pyarrow.compute.invert(pyarrow.compute.is_nan(values)))
            found = chunk.statistics
            extremes = pyarrow.compute.min_max(values)
            low, high = extremes["min"].as_py(), extremes["max"].as_py()
            if isinstance(high, str) and high.startswith(64 * "\U0010ffff"):
                continue  # nothing short is greater
            if found.null_count != table[name].null_count or found.has_min_max != (low is not None):
                wrong.append([group, name, str(found)])
            elif low is not None and not (found.min <= low and high <= found.max):
                wrong.append([group, name, str(found)])
            elif low is not None and not pyarrow.types.is_string(values.type) and (found.min, found.max) != (low, high):
                wrong.append([group, name, str(found)])
    return wrong


def duck():
    connection = duckdb.connect(config={"threads": 1})
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def read(request):
    path = request["path"]
    file = pyarrow.parquet.ParquetFile(path)
    connection = duck()
    ids = connection.execute(f"SELECT name, field_id FROM parquet_schema('{path}') WHERE field_id IS NOT NULL")
    return {
        "schema": [described(field) for field in file.schema_arrow],
        "pyarrow": rows_of(file.read()),
        "groups": file.num_row_groups,
        "wrongStatistics": wrong_statistics(file),
        "duckdbIds": [list(row) for row in ids.fetchall()],
        "duckdb": rows_of(connection.execute(f"SELECT * FROM '{path}'").to_arrow_table()),
    }


def same(request):
    """Whether two files have the same rows, in the same order to the first reader."""
    left, right = request["left"], request["right"]
    connection = duck()
    differences = [
        connection.execute(f"SELECT count(*) FROM (FROM '{one}' EXCEPT ALL FROM '{other}')").fetchone()[0]
        for one, other in ((left, right), (right, left))
    ]
    tables = [pyarrow.parquet.read_table(path).combine_chunks() for path in (left, right)]
    return {"pyarrow": rows_of(tables[0]) == rows_of(tables[1]), "duckdb": differences == [0, 0]}


def pruned(request):
    """What a filter finds, which holds in one row group only, once all the others are made unreadable."""
    path, where, column, value = (request[name] for name in ("path", "where", "column", "value"))
    file = pyarrow.parquet.ParquetFile(path)
    (fragment,) = pyarrow.dataset.dataset(path).get_fragments()
    kind = file.schema_arrow.field(column).type
    condition = pyarrow.dataset.field(column) == pyarrow.scalar(value, pyarrow.string()).cast(kind)
    kept = [group.id for group in fragment.subset(filter=condition).row_groups]
    content = bytearray(open(path, "rb").read())
    for group in range(file.num_row_groups):
        for i in range(file.metadata.num_columns):
            chunk = file.metadata.row_group(group).column(i)
            start = chunk.dictionary_page_offset or chunk.data_page_offset
            if group not in kept:
                content[start : start + chunk.total_compressed_size] = bytes(chunk.total_compressed_size)
    broken = path.replace(".parquet", "-broken.parquet")
    with open(broken, "wb") as target:
        target.write(content)
    connection = duck()

    def ask(query):
        return connection.execute(query).fetchone()[0]

    def fails(attempt):
        try:
            attempt()
        except Exception:  # of whatever kind: it could not read what is not there
            return True
        return False

    return {
        "groups": file.num_row_groups,
        "kept": kept,
        "pyarrow": pyarrow.dataset.dataset(broken).to_table(filter=condition).num_rows,
        "duckdb": ask(f"SELECT count(*) FROM '{broken}' WHERE {where}"),
        "pyarrowNeedsAll": fails(lambda: pyarrow.dataset.dataset(broken).to_table()),
        "duckdbNeedsAll": fails(lambda: ask(f"SELECT bit_xor(hash({column})) FROM '{broken}'")),
    }


def main():
    requests = json.load(sys.stdin)
    operations = {"read": read, "same": same, "pruned": pruned}
    json.dump([operations[request["do"]](request) for request in requests], sys.stdout)


main()
