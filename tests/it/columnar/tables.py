"""Writes tables by a seed, in every codec and layout, and their rows as JSON beside each:
python tables.py FOLDER SEED."""

import base64
import datetime as dt
import decimal
import json
import pathlib
import random
import struct
import sys

import pyarrow as pa
import pyarrow.orc as orc
import pyarrow.parquet as pq

FOLDER, DICE = pathlib.Path(sys.argv[1]), random.Random(int(sys.argv[2]))
ROWS = 3000
EPOCH = dt.datetime(1970, 1, 1)


def integers(low, high):
    """Runs, steps, small numbers with a few large ones among them, and noise."""
    values = []
    while len(values) < ROWS:
        count, base = DICE.choice([1, 3, 10, 40, 600]), DICE.randint(low, high)
        kind, step = DICE.randrange(5), DICE.choice([-3, -1, 1, 7, 1000])
        for at in range(count):
            values.append({
                0: base,
                1: min(max(base + at * step, low), high),
                2: min(max(DICE.randint(0, 50), low), high),
                3: base if DICE.random() < 0.05 else min(max(DICE.randint(0, 9), low), high),
                4: DICE.randint(low, high),
            }[kind])
    return values[:ROWS]


def text():
    letters = "ab\"\\\n\t\x00\x7féß東🚀/"
    return "".join(DICE.choice(letters) for _ in range(DICE.choice([0, 1, 5, 30])))


def nulls(values):
    """Holes of every width."""
    share = DICE.choice([0, 0.01, 0.5, 0.97])
    return [None if DICE.random() < share else value for value in values]


def of(make):
    return [make() for _ in range(ROWS)]


def column(kind):
    width = pa.types.is_integer(kind) and kind.bit_width
    if width and pa.types.is_signed_integer(kind):
        return integers(-(2 ** (width - 1)), 2 ** (width - 1) - 1)
    if width:
        return integers(0, 2**width - 1)
    if pa.types.is_list(kind):
        inner = nulls(column(kind.value_type))
        return of(lambda: [DICE.choice(inner) for _ in range(DICE.choice([0, 1, 2, 9]))])
    if pa.types.is_struct(kind):
        inner = [(field.name, nulls(column(field.type))) for field in kind]
        return of(lambda: {name: DICE.choice(values) for name, values in inner})
    if pa.types.is_map(kind):
        keys, inner = of(text), nulls(column(kind.item_type))
        return of(lambda: [
            (key, DICE.choice(inner)) for key in sorted({DICE.choice(keys) for _ in range(3)})
        ])
    if pa.types.is_decimal(kind):
        digits = 10**kind.precision - 1
        exact = decimal.Context(prec=50)
        return of(lambda: decimal.Decimal(DICE.randint(-digits, digits)).scaleb(-kind.scale, exact))
    if pa.types.is_timestamp(kind):
        zone = dt.timezone.utc if kind.tz else None
        return of(lambda: (EPOCH + dt.timedelta(
            seconds=DICE.randint(-(10**9), 4 * 10**9),
            microseconds=DICE.choice([0, 1000, 500_000, DICE.randrange(10**6)]),
        )).replace(tzinfo=zone))
    if pa.types.is_float32(kind):
        # Six digits are the shortest that tell such a float from its neighbours.
        return of(lambda: pa.scalar(round(DICE.uniform(-9999, 9999), 2), pa.float32()).as_py())
    if pa.types.is_floating(kind):
        return of(lambda: DICE.choice([DICE.uniform(-1, 1), 0.0, 1e300, 5e-324, 12345.0]))
    if pa.types.is_boolean(kind):
        return of(lambda: DICE.random() < 0.3)
    if pa.types.is_date(kind):
        return of(lambda: dt.date.fromordinal(DICE.randint(1, 3_000_000)))
    if pa.types.is_binary(kind):
        return of(lambda: DICE.randbytes(DICE.choice([0, 1, 7, 200])))
    if DICE.random() < 0.5:
        entries = [text() for _ in range(20)]
        return of(lambda: DICE.choice(entries))
    return of(text)


def fraction(micros):
    return f".{micros:06}".rstrip("0") if micros else ""


def spelled(kind, value):
    """A value as docs/semantics.md says that it is spelled."""
    if value is None:
        return "null"
    if pa.types.is_struct(kind):
        members = [(field, value[field.name]) for field in kind]
        there = [(field, inner) for field, inner in members if inner is not None]
        return "{" + ",".join(
            json.dumps(field.name) + ":" + spelled(field.type, inner) for field, inner in there
        ) + "}"
    if pa.types.is_list(kind):
        return "[" + ",".join(spelled(kind.value_type, inner) for inner in value) + "]"
    if pa.types.is_map(kind):
        return "{" + ",".join(
            json.dumps(key) + ":" + spelled(kind.item_type, inner) for key, inner in value
        ) + "}"
    if pa.types.is_decimal(kind):
        return f"{value:f}"
    if pa.types.is_timestamp(kind):
        end = "Z" if kind.tz else ""
        return f'"{value.year:04}{value:-%m-%dT%H:%M:%S}{fraction(value.microsecond)}{end}"'
    if pa.types.is_date(kind):
        return f'"{value.isoformat()}"'
    if pa.types.is_binary(kind):
        return json.dumps(base64.b64encode(value).decode())
    if pa.types.is_float32(kind):
        shorter = (f"{value:.{digits}g}" for digits in range(1, 10))
        same = (text for text in shorter if struct.unpack("f", struct.pack("f", float(text)))[0] == value)
        return next(same)
    return json.dumps(value)


def write(name, table, write):
    write(table, FOLDER / name)
    row = pa.struct(list(table.schema))
    lines = [spelled(row, value) for value in table.to_pylist()]
    (FOLDER / f"{name}.ndjson").write_text("".join(line + "\n" for line in lines))


def table(kinds):
    arrays = [pa.array(nulls(column(kind)), kind) for kind in kinds]
    return pa.table(arrays, names=[f"c{number}" for number in range(len(kinds))])


COMMON = [
    pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.int64(), pa.float32(), pa.float64(),
    pa.bool_(), pa.string(), pa.string(), pa.binary(), pa.date32(),
    pa.decimal128(9, 2), pa.decimal128(38, 20), pa.list_(pa.int32()),
    pa.struct([("a", pa.int64()), ("b", pa.list_(pa.string()))]),
    pa.map_(pa.string(), pa.struct([("n", pa.int16())])),
]
ORC = COMMON + [pa.timestamp("ns"), pa.timestamp("ns", "UTC")]
PARQUET = COMMON + [
    pa.uint8(), pa.uint64(), pa.timestamp("us", "UTC"), pa.timestamp("ms"),
    pa.decimal256(50, 3), pa.list_(pa.list_(pa.bool_())),
]

for codec in ["uncompressed", "snappy", "zlib", "zstd"]:
    options = dict(
        compression=codec,
        file_version=DICE.choice(["0.11", "0.12"]),
        dictionary_key_size_threshold=DICE.choice([0, 0.5, 1.0]),
        batch_size=DICE.choice([64, 1024]),
        stripe_size=DICE.choice([10_000, 64 << 20]),
    )
    write(f"{codec}.orc", table(ORC), lambda table, path: orc.write_table(table, path, **options))

for codec in ["none", "snappy", "gzip", "zstd"]:
    options = dict(
        compression=codec,
        version=DICE.choice(["1.0", "2.6"]),
        data_page_version=DICE.choice(["1.0", "2.0"]),
        use_dictionary=DICE.choice([True, False]),
        row_group_size=DICE.choice([100, 5000]),
        data_page_size=DICE.choice([500, 1 << 20]),
        write_page_checksum=DICE.choice([True, False]),
        coerce_timestamps="us",
    )
    if codec == "gzip":
        options.update(use_dictionary=False, version="2.6", column_encoding={
            "c3": "DELTA_BINARY_PACKED", "c8": "DELTA_BYTE_ARRAY", "c9": "DELTA_LENGTH_BYTE_ARRAY",
            "c6": "BYTE_STREAM_SPLIT",
        })
    write(f"{codec}.parquet", table(PARQUET), lambda table, path: pq.write_table(table, path, **options))
