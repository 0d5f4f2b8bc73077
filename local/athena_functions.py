"""Trino functions that DuckDB does not have, or has with another meaning, as macros.

Only what people use in queries over a lake. A macro shadows the built-in function of the same name; inside it,
the built-in is reached through another name for it.
"""

# MySQL's format letters, which Trino's date_format takes, where they differ from strftime's.
_MYSQL_FORMAT = "replace(replace(replace(replace(fmt, '%i', '%M'), '%s', '%S'), '%T', '%H:%M:%S'), '%k', '%-H')"
# The letters of Java's formats that dates are commonly cut into.
_JAVA_FORMAT = ("replace(replace(replace(replace(replace(replace(fmt, 'yyyy', '%Y'), 'MM', '%m'), 'dd', '%d'), "
                "'HH', '%H'), 'mm', '%M'), 'ss', '%S')")

MACROS = [
    # Trino counts whole units, DuckDB's date_diff counts boundaries; its date_sub counts whole units.
    "date_diff(unit, a, b) AS date_sub(unit, CAST(a AS TIMESTAMP), CAST(b AS TIMESTAMP))",
    "date_add(unit, n, t) AS t + CASE lower(unit) WHEN 'millisecond' THEN to_milliseconds(n) "
    "WHEN 'second' THEN to_seconds(n) WHEN 'minute' THEN to_minutes(n) WHEN 'hour' THEN to_hours(n) "
    "WHEN 'day' THEN to_days(CAST(n AS INTEGER)) WHEN 'week' THEN to_weeks(CAST(n AS INTEGER)) "
    "WHEN 'month' THEN to_months(CAST(n AS INTEGER)) WHEN 'quarter' THEN to_months(CAST(n * 3 AS INTEGER)) "
    "WHEN 'year' THEN to_years(CAST(n AS INTEGER)) ELSE error('Unknown unit ' || unit) END",
    "from_iso8601_timestamp(s) AS CAST(s AS TIMESTAMPTZ)",
    "from_iso8601_date(s) AS CAST(s AS DATE)",
    "to_iso8601(t) AS strftime(t, '%Y-%m-%dT%H:%M:%S.%gZ')",
    "from_unixtime(s) AS to_timestamp(s)",
    "to_unixtime(t) AS epoch(t)",
    "at_timezone(t, zone) AS t AT TIME ZONE zone",
    "day_of_week(t) AS isodow(t)",
    "day_of_year(t) AS dayofyear(t)",
    f"date_format(t, fmt) AS strftime(t, {_MYSQL_FORMAT})",
    f"format_datetime(t, fmt) AS strftime(t, {_JAVA_FORMAT})",
    "approx_distinct(x) AS approx_count_distinct(x), (x, e) AS approx_count_distinct(x)",
    "approx_percentile(x, p) AS approx_quantile(x, p)",
    "cardinality(x) AS len(x)",
    "element_at(x, i) AS x[i]",
    "contains_sequence(a, b) AS list_has_all(a, b)",
    "array_join(a, d) AS array_to_string(a, d), (a, d, n) AS array_to_string(list_transform(a, lambda v: coalesce(CAST(v AS VARCHAR), n)), d)",
    "sequence(a, b) AS generate_series(a, b), (a, b, s) AS generate_series(a, b, s)",
    "regexp_like(s, p) AS regexp_matches(s, p)",
    "json_extract_scalar(j, p) AS json_extract_string(j, p)",
    "json_parse(s) AS CAST(s AS JSON)",
    "json_format(j) AS CAST(j AS VARCHAR)",
    "from_utf8(b) AS decode(b)",
    "to_utf8(s) AS encode(s)",
    "to_hex(b) AS hex(b)",
    "from_hex(s) AS unhex(s)",
    "nan() AS CAST('NaN' AS DOUBLE)",
    "infinity() AS CAST('Infinity' AS DOUBLE)",
    "is_nan(x) AS isnan(x)",
    "rand() AS random()",
    "codepoint(s) AS unicode(s)",
]
