"""Writes a Parquet and an ORC file of the lines on stdin, over and over: columnar.py FOLDER TIMES."""

import sys

import pyarrow as pa
import pyarrow.orc as orc
import pyarrow.parquet as pq

folder, times = sys.argv[1], int(sys.argv[2])
lines = pa.table({"line": sys.stdin.read().splitlines()})
with pq.ParquetWriter(f"{folder}/parquet/object", lines.schema, compression="snappy") as writer:
    for _ in range(times):
        writer.write_table(lines)
with orc.ORCWriter(f"{folder}/orc/object", compression="zlib") as writer:
    for _ in range(times):
        writer.write(lines)
