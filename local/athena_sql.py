"""The three things in a query that DuckDB cannot parse: the catalog's name, time travel, and a typed timestamp cast."""

import re

from ministack.services.athena import _sql_tokens

CATALOG = "awsdatacatalog"


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


def literal(text):
    return "'" + text.replace("'", "''") + "'"


def names(query):
    """Every identifier in the query, in lower case: what a table that it reads must be among."""
    return {text.lower() for kind, text, _start, _end in _sql_tokens(query) if kind in ("name", "qname")}


def quoted_names(query):
    """The identifiers that the query writes in quotes, as it writes them."""
    return {text for kind, text, _start, _end in _sql_tokens(query) if kind == "qname"}


def shown(query):
    """``("tables", database or None)`` or ``("databases", None)`` for the SHOW statements, else None."""
    found = re.fullmatch(r"""show\s+(tables|databases|schemas)(?:\s+(?:in|from)\s+["`]?([\w-]+)["`]?)?""", query, re.IGNORECASE)
    return found and ("tables" if found[1].lower() == "tables" else "databases", found[2])


def rewrite(query, catalog, view_of_version):
    """The query for DuckDB. ``view_of_version(database, table, kind, expression)`` makes the view of an old snapshot
    and returns its name."""
    tokens = list(_sql_tokens(query))
    edits = []
    i = 0
    while i < len(tokens):
        kind, text, start, end = tokens[i]
        if kind in ("name", "qname") and text.lower() == CATALOG and _is(tokens, i + 1, "punct", "."):
            edits.append((start, end, catalog))
        elif kind == "name" and text == "for" and _time_travel_kind(tokens, i):
            i = _rewrite_time_travel(query, tokens, i, view_of_version, edits)
            continue
        elif kind == "name" and text == "timestamp" and _is_typed_timestamp(tokens, i):
            # timestamp(6) with time zone: DuckDB has microseconds only, and no parameter for it.
            edits.append((tokens[i + 1][2], tokens[i + 3][3], ""))
        i += 1
    # A reference can be edited twice (its catalog and its snapshot): the later, wider edit decides.
    for start, end, replacement in sorted(_without_covered(edits), reverse=True):
        query = query[:start] + replacement + query[end:]
    return query


def _is(tokens, i, kind, text):
    return 0 <= i < len(tokens) and tokens[i][:2] == (kind, text)


def _is_typed_timestamp(tokens, i):
    return (_is(tokens, i + 1, "punct", "(") and i + 3 < len(tokens) and tokens[i + 2][0] == "number"
            and _is(tokens, i + 3, "punct", ")") and _is(tokens, i + 4, "name", "with"))


def _time_travel_kind(tokens, i):
    """``timestamp`` or ``version`` if ``FOR TIMESTAMP AS OF`` or ``FOR VERSION AS OF`` starts here."""
    if not (_is(tokens, i + 2, "name", "as") and _is(tokens, i + 3, "name", "of")):
        return None
    return {"timestamp": "timestamp", "system_time": "timestamp", "version": "version",
            "system_version": "version"}.get(tokens[i + 1][1])


def _rewrite_time_travel(query, tokens, i, view_of_version, edits):
    """Replaces ``[catalog.][database.]table FOR … AS OF expression`` by the view of that snapshot."""
    first = i - 1
    while first >= 2 and _is(tokens, first - 1, "punct", "."):
        first -= 2
    path = [token[1] for token in tokens[first:i] if token[0] != "punct"]
    table, database = path[-1], path[-2] if len(path) > 1 else None
    after = _end_of_expression(tokens, i + 4)
    expression = query[tokens[i + 4][2]:tokens[after - 1][3]]
    view = view_of_version(database, table, _time_travel_kind(tokens, i), expression)
    if not _has_alias(tokens, after):
        view += f" AS {quoted(table)}"
    edits.append((tokens[first][2], tokens[after - 1][3], view))
    return after


def _end_of_expression(tokens, i):
    """The index after an expression of the few forms that make sense here: a literal, a call or a parenthesis, plus or
    minus intervals, at a time zone."""
    i = _end_of_operand(tokens, i)
    while True:
        if _is(tokens, i, "punct", "-") or _is(tokens, i, "punct", "+"):
            i = _end_of_operand(tokens, i + 1)
        elif _is(tokens, i, "name", "at") and _is(tokens, i + 1, "name", "time"):
            i = _end_of_operand(tokens, i + 3)
        else:
            return i


def _end_of_operand(tokens, i):
    if _is(tokens, i, "name", "interval"):
        return i + 3
    if i < len(tokens) and tokens[i][0] == "name" and i + 1 < len(tokens) and tokens[i + 1][0] == "str":
        return i + 2
    if i < len(tokens) and tokens[i][0] in ("name", "qname"):
        i += 1
    elif not _is(tokens, i, "punct", "("):
        return i + 1
    if not _is(tokens, i, "punct", "("):
        return i
    depth = 0
    while i < len(tokens):
        depth += _is(tokens, i, "punct", "(") - _is(tokens, i, "punct", ")")
        i += 1
        if depth == 0:
            break
    return i


_AFTER_TABLE = frozenset("where on join inner left right full cross natural using group order limit offset having union "
                         "except intersect window fetch tablesample".split())


def _has_alias(tokens, i):
    if i >= len(tokens):
        return False
    kind, text = tokens[i][:2]
    return kind == "qname" or (kind == "name" and text not in _AFTER_TABLE)


def _without_covered(edits):
    return [edit for edit in edits
            if not any(other is not edit and other[0] <= edit[0] and edit[1] <= other[1] for other in edits)]
