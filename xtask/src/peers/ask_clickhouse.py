"""Counts the records of a manifest that objects lack, and those that they have too often, by ClickHouse."""

import sys

import chdb

objects, manifest = sys.argv[1:]
QUERY = f"""
SELECT sum(greatest(p - f, 0)), sumIf(greatest(f - p, 0), p > 0)
FROM (
    SELECT json, toInt64(countIf(produced)) AS p, toInt64(countIf(NOT produced)) AS f
    FROM (
        SELECT json, false AS produced FROM file('{objects}', 'JSONAsString', 'json String')
        UNION ALL
        SELECT json, true AS produced FROM file('{manifest}', 'JSONAsString', 'json String')
    )
    GROUP BY json
)
"""
print(chdb.query(QUERY, "TSV"))
