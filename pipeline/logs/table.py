"""A service's own logs: CSV, JSON lines or Parquet, by the column map at the landing root (`columns.yaml`)."""

from pipeline.logs.columns import ColumnMap
from pipeline.logs.reading import ReadResult, Source
from pipeline.logs.tables import parse_csv, parse_lines, parse_parquet

NAME = "table"
NEEDS_COLUMNS = True
OWN_FOLDERS = None
_LINES, _CSV = (".jsonl", ".ndjson"), (".csv", ".tsv")
PATTERNS = (
    *(f"*{ending}{packed}" for ending in (*_LINES, *_CSV) for packed in ("", ".gz", ".zst")),
    "*.parquet",
)


def parse(data: bytes, source: Source) -> ReadResult:
    """By the ending of the file's name.

    Raises:
        UnreadableFileError: it has other columns than the map declares.
    """
    columns = source.columns
    assert isinstance(columns, ColumnMap), "the inventory gives this format its column map"
    name = source.path.removesuffix(".gz").removesuffix(".zst")
    if name.endswith(".parquet"):
        return parse_parquet(data, source, columns, format=NAME)
    if name.endswith(_LINES):
        return parse_lines(data, source, columns, format=NAME)
    return parse_csv(data, source, (columns,), format=NAME)
