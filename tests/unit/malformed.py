"""Files that no import should trip over: made from a seed, a family for each way in which files go wrong."""

from __future__ import annotations

import csv
import gzip
import io
import json
import lzma
import os
import random
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from core.importing.limits import Limits
from tests.unit.hostile import HOSTILE

SMALL = Limits(
    file_bytes=2_000_000,
    content_bytes=3_000_000,
    line_characters=20_000,
    cell_characters=2_000,
    query_characters=500,
    name_characters=60,
    columns=50,
    rows=3_000,
    runs=20,
    queries=30,
)
"""Limits that small files can reach."""

COLUMNS = ("query", "text", "run", "gamma", "bleu")
Named = tuple[str, bytes]
Rows = list[dict[str, Any]]


def good_rows(rng: random.Random, count: int = 12) -> Rows:
    """Rows that can be imported into the task `hypotheses`."""
    return [
        {
            "query": f"probe-{rng.randint(1, 20):02}",
            "text": f"{rng.choice(HOSTILE).replace(chr(0), '').replace(chr(0xD800), '')} {number}",
            "run": (run := rng.choice("ABC")),
            "gamma": {"A": 0.1, "B": 0.2, "C": 0.3}[run],
            "bleu": {"A": 30.5, "B": 31.0, "C": 29.0}[run],
        }
        for number in range(count)
    ]


def as_csv(rows: Rows, columns: tuple[str, ...] = COLUMNS) -> str:
    """The rows as CSV."""
    target = io.StringIO()
    writer = csv.writer(target)
    writer.writerow(columns)
    writer.writerows([row.get(column, "") for column in columns] for row in rows)
    return target.getvalue()


def as_jsonl(rows: Rows) -> str:
    """The rows as JSON lines."""
    return "\n".join(json.dumps(row) for row in rows) + "\n"


def as_parquet(rows: Rows, **options: Any) -> bytes:
    """The rows as Parquet."""
    import pyarrow as pa

    return parquet({name: pa.array([row.get(name) for row in rows]) for name in COLUMNS}, **options)


def parquet(columns: dict[str, Any], **options: Any) -> bytes:
    """Columns as Parquet."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    target = io.BytesIO()
    pq.write_table(pa.table(columns), target, **options)
    return target.getvalue()


def encodings(rng: random.Random) -> Iterator[Named]:
    """Text in every encoding but the one that was asked for, and bytes that are no text."""
    text = as_csv([{**row, "text": row["text"] + " Müller œuvre"} for row in good_rows(rng)])
    lines = as_jsonl(good_rows(rng)).replace("A", "Ä")
    for name in ("latin-1", "cp1252", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-7", "utf-8-sig", "cp037"):
        yield f"{name}.csv", text.encode(name, "replace")
        yield f"{name}.jsonl", lines.encode(name, "replace")
        yield f"{name}-cut.csv", text.encode(name, "replace")[: rng.randint(1, 300)]
    for bad in (b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\x00", b"\xf8\x88\x80\x80\x80", b"\xe2\x82", b"\x00\x00\x00"):
        for whole in (text.encode(), lines.encode()):
            place = rng.randrange(len(whole))
            suffix = "csv" if whole is not lines.encode() and whole[:5] == b"query" else "jsonl"
            yield f"bytes-{bad.hex()}.{suffix}", whole[:place] + bad + whole[place:]
    wide = "\ufeff" + text
    yield "odd.csv", wide.encode("utf-16-le") + b"\x41"
    yield "half-pair.csv", wide.encode("utf-16-le") + b"\x00\xd8\x41\x00"


def quotes(rng: random.Random) -> Iterator[Named]:
    """CSV with quotes where none belong, missing ones, and delimiters of all kinds."""
    for number in range(45):
        text = list(as_csv(good_rows(rng)))
        for _ in range(rng.randint(1, 4)):
            text.insert(
                rng.randrange(len(text)), rng.choice(['"', '""', '"\n', "'", '\\"', "\r", "\r\n", ";", "\t", ","])
            )
        yield f"quotes-{number}.csv", "".join(text).encode()


def ragged(rng: random.Random) -> Iterator[Named]:
    """Rows with more or fewer cells than the header."""
    for number in range(30):
        lines = as_csv([{**row, "text": f"plain {i}"} for i, row in enumerate(good_rows(rng))]).splitlines()
        for _ in range(rng.randint(1, 3)):
            place = rng.randrange(len(lines))
            lines[place] = rng.choice(
                [lines[place] + ",more", lines[place].rpartition(",")[0], "", ",", "one", ",,,,,,"]
            )
        yield f"ragged-{number}.csv", "\n".join(lines).encode()


def huge(rng: random.Random) -> Iterator[Named]:
    """Cells, lines, names and files above the limits."""
    rows = good_rows(rng)
    for column in COLUMNS:
        for size in (3_000, 30_000, 200_000):
            longer = [*rows, {**rows[0], column: "x" * size}]
            yield f"huge-{column}-{size}.csv", as_csv(longer).encode()
            yield f"huge-{column}-{size}.jsonl", as_jsonl(longer).encode()
    wide = [{**row, "text": "é\u202e" * 1_500} for row in rows]
    yield "wide.csv", as_csv(wide).encode()
    yield "wide.parquet", as_parquet(wide)
    yield "rows.csv", as_csv([{**rows[0], "text": str(i)} for i in range(3_100)]).encode()
    yield "rows.jsonl", as_jsonl([{**rows[0], "text": str(i)} for i in range(3_100)]).encode()
    yield "rows.parquet", as_parquet([{**rows[0], "text": str(i)} for i in range(3_100)])
    yield "runs.csv", as_csv([{**rows[0], "run": f"r{i}"} for i in range(21)]).encode()
    yield "file.csv", b"query,text\n" + b"probe-01,x\n" * 200_000
    yield "open-quote.csv", as_csv(rows).encode() + b'probe-01,"' + b"never closed\n" * 20_000
    yield "one-line.jsonl", b'{"text": "' + b"x" * 100_000
    yield "columns.csv", (",".join(f"c{i}" for i in range(60)) + "\n").encode()
    yield "columns.jsonl", b"\n".join(json.dumps({f"c{i}": 1, "text": "x"}).encode() for i in range(60))


def nested(rng: random.Random) -> Iterator[Named]:
    """JSON that holds other values than texts and numbers, deeper and deeper, and JSON that is none."""
    rows = good_rows(rng, 3)
    values: list[Any] = [[], {}, ["a"], {"a": {"b": [1]}}, True, None, 5, 1.5, [[[]]], ""]
    for column in COLUMNS:
        for value in values:
            yield (
                f"nested-{column}-{json.dumps(value)[:5]!r}.jsonl".replace("/", ""),
                as_jsonl([*rows, {**rows[0], column: value}]).encode(),
            )
    for depth in (50, 900, 1_100, 9_000):
        for opening, closing in (("[", "]"), ('{"a":', "}")):
            deep = opening * depth + "1" + closing * depth
            yield (
                f"deep-{depth}{opening[:1]}.jsonl",
                f'{{"text": "x", "query": "probe-01", "other": {deep}}}\n'.encode(),
            )
            yield f"deep-text-{depth}{opening[:1]}.jsonl", f'{{"text": {deep}, "query": "probe-01"}}\n'.encode()
            yield f"unclosed-{depth}{opening[:1]}.jsonl", (opening * depth).encode()
    for number, line in enumerate(
        ("{", "}", "[]", "null", "1", '"text"', "{'text': 'x'}", '{"text": "x",}', '{"text": x}', '{"text": "x"} {}',
         '{"text": "a", "text": "b"}', '{"text": "\\ud800"}', '{"text": "a\\u0000b", "query": "probe-01"}',
         '{"text": "\t"}', "[{}, {}]", '{"text": "unterminated', '{"": 1}', "{}", "// no", "\ufeff\ufeff{}")
    ):  # fmt: skip
        yield f"line-{number}.jsonl", (as_jsonl(rows) + line + "\n").encode("utf-8", "surrogatepass")
        yield f"only-{number}.jsonl", (line + "\n").encode("utf-8", "surrogatepass")


def numbers(rng: random.Random) -> Iterator[Named]:
    """Numbers that are none, or more than a number."""
    rows = good_rows(rng, 3)
    odd = (
        "NaN",
        "Infinity",
        "-Infinity",
        "1e999",
        "-1e999",
        "9" * 400,
        "9" * 5_000,
        "1e-999",
        "0x10",
        "1_000",
        "١",
        "--1",
    )
    for value in odd:
        for column in COLUMNS:
            line = json.dumps({**rows[0], column: "@"}).replace('"@"', value)
            yield f"number-{column}-{value[:6]}.jsonl", (as_jsonl(rows) + line + "\n").encode()
        yield f"number-{value[:6]}.csv", as_csv([*rows, {**rows[0], "bleu": value}]).encode()


def headers(rng: random.Random) -> Iterator[Named]:
    """Headers that are missing, doubled, empty or something else."""
    body = as_csv(good_rows(rng)).split("\n", 1)[1]
    lines = (
        "",
        "query,text,run,gamma,gamma",
        "text,text,run,gamma,bleu",
        "query,query,text,gamma,bleu",
        ",,,,",
        "a,b,c,d,e",
        "QUERY,TEXT,RUN,GAMMA,BLEU",
        '"query","text","run","gamma","bleu',
        " query , text , run , gamma , bleu ",
        "query;text;run;gamma;bleu",
        "query\ttext\trun\tgamma\tbleu",
        "query,text,run,gamma",
        "query,text,run,gamma,bleu,x",
        "\ufeff\ufeffquery,text,run,gamma,bleu",
        "x" * 5_000,
        "query,text,run,gamma,<b>",
        "text",
        "=1+1,text,run,gamma,bleu",
    )
    for number, header in enumerate(lines):
        yield f"header-{number}.csv", f"{header}\n{body}".encode()
        yield f"header-{number}-alone.csv", header.encode() or b"\n"
    yield "empty.csv", b""
    yield "blank.csv", b"\n\n\n"
    yield "blank.jsonl", b" \n\t\n"
    yield "spaces", b"   "
    yield "mark.csv", b"\xef\xbb\xbf"


def parquet_types(rng: random.Random) -> Iterator[Named]:
    """Columns of every type that Parquet has, where texts, names and numbers are wanted."""
    import pyarrow as pa

    now = datetime(2024, 1, 1, tzinfo=UTC)
    arrays = {
        "list": pa.array([["a"], None, []]),
        "struct": pa.array([{"a": 1}, None, {"a": 2}]),
        "map": pa.array([[("a", 1)], [], None], pa.map_(pa.string(), pa.int64())),
        "dictionary": pa.array(["A", "A", None]).dictionary_encode(),
        "whole-dictionary": pa.array([1, 2, 1]).dictionary_encode(),
        "decimal": pa.array([Decimal("1.50"), None, Decimal("1.50")]),
        "timestamp": pa.array([now, None, now]),
        "date": pa.array([date(2024, 1, 1)] * 3),
        "duration": pa.array([timedelta(1)] * 3),
        "null": pa.nulls(3),
        "binary": pa.array([b"A", b"\xff", None]),
        "fixed": pa.array([b"abcd"] * 3, pa.binary(4)),
        "bool": pa.array([True, None, False]),
        "half": pa.array([1.0, float("nan"), float("inf")], pa.float16()),
        "double": pa.array([float("nan"), float("inf"), -0.0]),
        "uint64": pa.array([2**64 - 1, 0, 1], pa.uint64()),
        "large": pa.array(["A", None, "A"], pa.large_string()),
        "view": pa.array(["A", "", "A"], pa.string_view()),
        "blank": pa.array([" ", "\n", "A"]),
    }
    base = {"query": pa.array(["probe-01"] * 3), "text": pa.array(["x", "y", "z"]), "run": pa.array(["A"] * 3),
            "gamma": pa.array([0.1] * 3), "bleu": pa.array([1.0] * 3)}  # fmt: skip
    for column in COLUMNS:
        for kind, array in arrays.items():
            yield f"{column}-{kind}.parquet", parquet(base | {column: array})
    yield "invalid-utf8.parquet", parquet(base | {"text": pa.array([b"\xff\xfe", b"ok", b"x"]).view(pa.string())})
    yield "no-rows.parquet", parquet({name: array[:0] for name, array in base.items()})
    yield "no-columns.parquet", parquet({})
    yield "dots.parquet", parquet({**base, "text.more": pa.array([["x" * 100]] * 3)})


def parquet_damage(rng: random.Random) -> Iterator[Named]:
    """Parquet that is cut off, changed in places, or says less than it unpacks to."""
    import pyarrow as pa

    wholes = [
        as_parquet(good_rows(rng, 40), compression=compression, use_dictionary=dictionary, data_page_version=version)
        for compression, dictionary, version in (("zstd", True, "1.0"), ("none", False, "2.0"), ("gzip", True, "2.0"))
    ]
    for number in range(60):
        whole = bytearray(rng.choice(wholes))
        if number % 3 == 0:
            yield f"cut-{number}.parquet", bytes(whole[: rng.randrange(len(whole))])
            continue
        for _ in range(rng.choice((1, 1, 3, 20))):
            whole[rng.randrange(4, len(whole))] = rng.randrange(256)
        yield f"changed-{number}.parquet", bytes(whole)
    for claimed in (0, 1, 2**20, 2**31 - 1, 2**32 - 1):
        yield f"footer-{claimed}.parquet", wholes[0][:-8] + claimed.to_bytes(4, "little") + b"PAR1"
    yield "magic.parquet", b"PAR1"
    yield "magics.parquet", b"PAR1PAR1"
    yield "encrypted.parquet", b"PARE" + wholes[0][4:-4] + b"PARE"
    yield "csv.parquet", as_csv(good_rows(rng)).encode()
    one = pa.array(["x" * 3_000_000])
    yield "page-bomb.parquet", parquet({"text": one, "query": pa.array(["probe-01"])}, compression="zstd")
    same = pa.DictionaryArray.from_arrays(pa.array([0] * 2_900, pa.int32()), pa.array(["x" * 400_000]))
    yield "word-bomb.parquet", parquet({"text": same, "query": pa.array(["probe-01"] * 2_900)}, compression="zstd")
    grown = pa.array(["x" * 30_000 + str(i) for i in range(200)])
    yield (
        "delta-bomb.parquet",
        parquet(
            {"text": grown, "query": pa.array(["probe-01"] * 200)},
            use_dictionary=False,
            column_encoding={"text": "DELTA_BYTE_ARRAY", "query": "PLAIN"},
        ),
    )


def packed(rng: random.Random) -> Iterator[Named]:
    """Files inside other files: cut off, damaged, bombs, and what we do not unpack."""
    text = as_csv(good_rows(rng, 60)).encode()
    whole = gzip.compress(text, mtime=0)
    yield "fine.csv.gz", whole
    for number in range(14):
        yield f"cut-{number}.csv.gz", whole[: rng.randrange(3, len(whole))]
        broken = bytearray(whole)
        broken[rng.randrange(2, len(broken))] ^= 1 << rng.randrange(8)
        yield f"broken-{number}.csv.gz", bytes(broken)
    yield "zeros.csv.gz", gzip.compress(b"\0" * 10_000_000, mtime=0)
    yield "bomb.csv.gz", gzip.compress(b"query,text\n" + b"probe-01,x\n" * 400_000, mtime=0)
    yield "bomb.jsonl.gz", gzip.compress(b'{"text": "x"}\n' * 300_000, mtime=0)
    yield "line.jsonl.gz", gzip.compress(b'{"text": "' + b"x" * 5_000_000, mtime=0)
    yield "twice.csv.gz", gzip.compress(whole, mtime=0)
    yield "members.csv.gz", whole + gzip.compress(b"probe-01,more,A,0.1,30.5\n", mtime=0)
    yield "tail.csv.gz", whole + b"what follows"
    yield "parquet.gz", gzip.compress(as_parquet(good_rows(rng)), mtime=0)
    yield "xz.csv", lzma.compress(text)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as target:
        target.writestr("generations.csv", b"0" * 2_000_000)
    yield "zip.csv", archive.getvalue()
    yield "book.xlsx", archive.getvalue()
    starts = {
        "pdf": b"%PDF-1.7\n",
        "png": b"\x89PNG\r\n\x1a\n",
        "xls": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        "zst": b"\x28\xb5\x2f\xfd",
        "database": b"SQLite format 3\0",
        "arrow": b"ARROW1\0\0",
        "html": b"<html><body>text</body>",
    }
    for name, start in starts.items():
        yield f"{name}.csv", start + rng.randbytes(200)


def rows_at_odds(rng: random.Random) -> Iterator[Named]:
    """Rows whose form is right and whose content is not."""
    rows = good_rows(rng)
    changes: list[dict[str, Any]] = [
        {"text": ""}, {"text": " \t "}, {"query": ""}, {"query": "nobody asked"}, {"query": "test-01"}, {"run": ""},
        {"query": "train-01"}, {"gamma": 0.7}, {"gamma": "high"}, {"bleu": "good"}, {"bleu": 99}, {"bleu": "true"},
        {"run": "x" * 61}, {"gamma": "x" * 61}, {"query": "q" * 501},
    ]  # fmt: skip
    for change in changes:
        changed = [{**row} for row in rows]
        for place in rng.sample(range(len(changed)), rng.randint(1, 3)):
            changed[place] |= change
        name = f"{next(iter(change))}-{str(next(iter(change.values())))[:8]!r}".replace("/", "")
        yield f"{name}.csv", as_csv(changed).encode()
        yield f"{name}.jsonl", as_jsonl(changed).encode()
        if all(isinstance(value, str) == isinstance(rows[0][key], str) for key, value in change.items()):
            yield f"{name}.parquet", as_parquet(changed)


def noise(rng: random.Random) -> Iterator[Named]:
    """Good files with slices lost, doubled, moved or overwritten, and bytes from nowhere."""
    wholes = {
        "csv": as_csv(good_rows(rng)).encode(),
        "jsonl": as_jsonl(good_rows(rng)).encode(),
        "csv.gz": gzip.compress(as_csv(good_rows(rng)).encode(), mtime=0),
    }
    for number in range(60):
        suffix = rng.choice(list(wholes))
        whole = wholes[suffix]
        start, end = sorted((rng.randrange(len(whole)), rng.randrange(len(whole))))
        piece = whole[start : min(end, start + 200)]
        yield f"noise-{number}.{suffix}", rng.choice(
            (whole[:start] + whole[end:], whole[:end] + piece + whole[end:], piece + whole, whole[:start]
             + rng.randbytes(len(piece)) + whole[end:], whole[:start] + piece[::-1] + whole[end:])
        )  # fmt: skip
    for number in range(20):
        yield (
            f"random-{number}{rng.choice(('.csv', '.jsonl', '.parquet', '.gz', ''))}",
            rng.randbytes(rng.randint(1, 900)),
        )


FAMILIES: dict[str, Callable[[random.Random], Iterator[Named]]] = {
    family.__name__: family
    for family in (
        encodings,
        quotes,
        ragged,
        huge,
        nested,
        numbers,
        headers,
        parquet_types,
        parquet_damage,
        packed,
        rows_at_odds,
        noise,
    )
}


def odd_paths(folder: Path) -> list[Path]:
    """Paths that lead to no plain file."""
    (folder / "folder.csv").mkdir()
    os.mkfifo(folder / "pipe.csv")
    (folder / "dangling.csv").symlink_to(folder / "nowhere.csv")
    (folder / "circle.csv").symlink_to(folder / "circle.csv")
    (folder / "to-folder.csv").symlink_to(folder / "folder.csv")
    (folder / "to-pipe.csv").symlink_to(folder / "pipe.csv")
    names = ("folder.csv", "pipe.csv", "dangling.csv", "circle.csv", "to-folder.csv", "to-pipe.csv", "missing.csv")
    return [
        *(folder / name for name in names),
        folder / ("x" * 300 + ".csv"),
        folder / "missing.csv" / "below.csv",
        folder / "nul\0.csv",
        Path("/dev/null"),
        Path("/dev/zero"),
        Path(),
        Path("/"),
    ]
