"""Counts the records of a manifest that objects lack, and those that they have too often, by DuckDB."""

import sys

import duckdb

objects, manifest = sys.argv[1:]
QUERY = """
WITH found AS (
    SELECT json, count(*) AS n
    FROM read_json_objects(?, format = 'unstructured') GROUP BY json
), produced AS (
    SELECT json, count(*) AS n
    FROM read_json_objects(?, format = 'newline_delimited') GROUP BY json
)
SELECT coalesce(sum(greatest(produced.n - coalesce(found.n, 0), 0)), 0),
       coalesce(sum(CASE WHEN produced.n > 0 THEN greatest(found.n - produced.n, 0) END), 0)
FROM produced FULL JOIN found USING (json)
"""
print(*duckdb.execute(QUERY, [objects, manifest]).fetchone())
