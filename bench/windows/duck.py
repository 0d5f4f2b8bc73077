"""Windows of bids in DuckDB on one thread; only the fields that the answer needs are typed. Prints JSON."""

import json
import sys
import time

import duckdb

path, repeats = sys.argv[1], int(sys.argv[2])
window_ms, slide_ms = int(sys.argv[3]), int(sys.argv[4])

connection = duckdb.connect()
connection.execute("set threads = 1")
columns = "{id: 'VARCHAR', data: 'STRUCT(placed_ms BIGINT, user_id VARCHAR, price DOUBLE)'}"
bids = f"""
    select distinct on (id) id, data.placed_ms as ms, data.user_id as who,
           round(data.price * 100)::bigint as cents
    from read_json('{path}', format = 'newline_delimited', columns = {columns})
"""
each = (
    f"select who, ms // {window_ms} as number, cents from bids"
    if window_ms == slide_ms
    else f"""
        select who, unnest(range(ms // {slide_ms} - {window_ms // slide_ms} + 1, ms // {slide_ms} + 1)) as number,
               cents from bids
    """
)
query = f"""
    with bids as ({bids}), each as ({each}),
    windows as (select who, number, count(*) as n, sum(cents) as cents from each group by 1, 2)
    select count(*), sum(n), sum(cents),
           sum((substr(who, 2)::bigint * 31 + number % 100003) * cents)
    from windows
"""
seconds = []
for _ in range(repeats):
    started = time.process_time()
    answer = connection.execute(query).fetchone()
    seconds.append(time.process_time() - started)
print(json.dumps({
    "version": duckdb.__version__,
    "answer": [str(int(value)) for value in answer],
    "seconds": seconds,
}))
