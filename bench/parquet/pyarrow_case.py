"""Writes the table of a Parquet file with pyarrow: to a file, or in memory, timed, in nanoseconds per row."""

import statistics
import sys
import time

import pyarrow
import pyarrow.parquet

WARM_UP_SECONDS = 1
REPEATS = 15

source, times, target = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
pyarrow.set_cpu_count(1)
pyarrow.set_io_thread_count(1)
table = pyarrow.parquet.read_table(source, use_threads=False).combine_chunks()


def write(sink):
    pyarrow.parquet.write_table(table, sink, compression="zstd")


def per_row():
    start = time.process_time_ns()
    for _ in range(times):
        write(pyarrow.BufferOutputStream())
    return (time.process_time_ns() - start) / (times * table.num_rows)


if target:
    write(target[0])
else:
    while time.process_time() < WARM_UP_SECONDS:
        per_row()
    print(statistics.median(per_row() for _ in range(REPEATS)))
