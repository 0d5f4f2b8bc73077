"""Which objects a Hive table consists of, and the partition values of each.

As on AWS: with partition projection, the folders that the projection's rules allow; without, the partitions that are
registered in Glue and no others.
"""

import datetime
import re
from urllib.parse import unquote, urlparse

from ministack.services import athena, glue, s3

_JAVA_TO_STRPTIME = (("yyyy", "%Y"), ("MM", "%m"), ("dd", "%d"), ("HH", "%H"), ("mm", "%M"), ("ss", "%S"), ("'", ""))
_UNITS = {"YEAR": 365 * 86400, "MONTH": 30 * 86400, "WEEK": 7 * 86400, "DAY": 86400, "HOUR": 3600, "MINUTE": 60,
          "SECOND": 1}


def objects(name, table):
    """``(bucket, key, [(partition key, value), …])`` of every object of the table, which is named ``database/table``."""
    keys = [key["Name"] for key in table.get("PartitionKeys") or []]
    location = (table.get("StorageDescriptor") or {}).get("Location") or ""
    if not keys:
        yield from ((bucket, key, []) for bucket, key, _below in _below(location))
        return
    parameters = table.get("Parameters") or {}
    if not _is_projected(parameters):
        for partition in glue._partitions.get(name) or []:
            values = list(zip(keys, partition.get("Values") or []))
            folder = (partition.get("StorageDescriptor") or {}).get("Location") or ""
            yield from ((bucket, key, values) for bucket, key, _path in _below(folder))
        return
    template = parameters.get("storage.location.template")
    rules = {key: _rule(key, parameters) for key in keys}
    pattern = _template_pattern(template, keys) if template else None
    for bucket, key, path in _below(location):
        values = _values_by_template(pattern, f"s3://{bucket}/{key}") if pattern else _values_by_folders(path)
        if all(k in values and rules[k](values[k]) for k in keys):
            yield bucket, key, [(k, values[k]) for k in keys]


def check_injected(keys, parameters, query):
    """Athena refuses a query that does not pin an injected partition key; so does this."""
    for key in keys:
        name = key["Name"]
        if not _is_projected(parameters) or parameters.get(f"projection.{name}.type", "").lower() != "injected":
            continue
        if not re.search(rf"""\b{re.escape(name)}["`]?\s*(=|in\s*\()""", query, re.IGNORECASE):
            raise ValueError(
                f"CONSTRAINT_VIOLATION: For the injected projected partition column {name}, the WHERE clause must contain "
                "only static equality conditions, and at least one such condition must be present.")


def _is_projected(parameters):
    return parameters.get("projection.enabled", "").lower() == "true"


def _below(location):
    """``(bucket, key, path below the location)`` of every visible object; Athena skips names with ``_`` or ``.``."""
    parsed = urlparse(location)
    prefix = parsed.path.strip("/") + "/" if parsed.path.strip("/") else ""
    bucket = s3._buckets.get(parsed.netloc)
    if bucket is None:
        return
    for key in sorted(list(bucket["objects"])):
        path = key[len(prefix):]
        if key.startswith(prefix) and not key.endswith("/") and not athena._hidden(path):
            yield parsed.netloc, key, path


def _values_by_folders(path):
    pairs = (folder.split("=", 1) for folder in path.split("/")[:-1] if "=" in folder)
    return {name.lower(): unquote(value) for name, value in pairs}


def _template_pattern(template, keys):
    parts = re.split(r"\$\{(\w+)\}", template.rstrip("/"))
    pattern = "".join(f"(?P<{part}>[^/]+)" if i % 2 else re.escape(part) for i, part in enumerate(parts))
    return re.compile(pattern + "/")


def _values_by_template(pattern, uri):
    found = pattern.match(uri)
    return {name: unquote(value) for name, value in found.groupdict().items()} if found else {}


def _rule(key, parameters):
    """Whether the projection produces a value: what it does not produce, Athena does not look for."""
    kind = parameters.get(f"projection.{key}.type", "").lower()
    if kind == "injected":
        return lambda value: True
    if kind == "enum":
        allowed = {value.strip() for value in parameters.get(f"projection.{key}.values", "").split(",")}
        return lambda value: value in allowed
    bounds = [bound.strip() for bound in parameters.get(f"projection.{key}.range", "").split(",")]
    if kind == "integer" and len(bounds) == 2:
        digits = int(parameters.get(f"projection.{key}.digits", 0))
        least, most = int(bounds[0]), int(bounds[1])
        return lambda value: value.lstrip("-").isdigit() and least <= int(value) <= most and value == str(int(value)).zfill(digits)
    if kind == "date" and len(bounds) == 2:
        layout = parameters.get(f"projection.{key}.format", "")
        return _date_rule(layout, bounds)
    raise ValueError(f"INVALID_TABLE_PROPERTY: the projection of partition column {key} needs a type and its range or values")


def _date_rule(layout, bounds):
    for java, python in _JAVA_TO_STRPTIME:
        layout = layout.replace(java, python)

    def moment(bound):
        relative = re.fullmatch(r"NOW(?:\s*([+-]\s*\d+)\s*([A-Z]+?)S?)?", bound, re.IGNORECASE)
        if relative is None:
            return datetime.datetime.strptime(bound, layout)
        amount = int((relative[1] or "0").replace(" ", ""))
        seconds = amount * _UNITS[relative[2].upper()] if relative[2] else 0
        return datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None) + datetime.timedelta(seconds=seconds)

    least, most = moment(bounds[0]), moment(bounds[1])
    # The range's ends are cut to the format's precision: a day counts if any moment of it lies in the range.
    least = datetime.datetime.strptime(least.strftime(layout), layout)

    def is_projected(value):
        try:
            return least <= datetime.datetime.strptime(value, layout) <= most
        except ValueError:
            return False

    return is_projected
