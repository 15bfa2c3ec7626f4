"""Converts objects of JSON lines as Firehose would: convert.py FOLDER KIND CODEC. Error output stays."""

import json
import pathlib
import sys

import pyarrow as pa
import pyarrow.orc as orc
import pyarrow.parquet as pq

folder, kind, codec = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
for path in sorted(folder.rglob("*")):
    if path.is_dir() or "processing-failed" in path.parts:
        continue
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    # OpenX lower-cases names.
    table = pa.Table.from_pylist([{k.lower(): v for k, v in row.items()} for row in rows])
    write = pq.write_table if kind == "parquet" else orc.write_table
    write(table, path.with_name(path.name + "." + kind), compression=codec)
    path.unlink()
    print(path.name + "." + kind, len(rows))
