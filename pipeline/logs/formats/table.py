"""A service's own logs: CSV, JSON lines or Parquet, by the column map at the landing root (`columns.yaml`)."""

from pipeline.logs.columns import ColumnMap
from pipeline.logs.contents import bare_name
from pipeline.logs.csvrows import CSV_REASONS
from pipeline.logs.format import Format
from pipeline.logs.head import Head
from pipeline.logs.jsonlines import LINE_REASONS
from pipeline.logs.reading import ReadResult, Source
from pipeline.logs.tables import parse_csv, parse_lines, parse_parquet

_LINES = (".jsonl", ".ndjson")


def read(data: bytes, source: Source) -> ReadResult:
    """Read a file by the ending of its name.

    Raises:
        UnreadableFileError: it lacks a column that the map declares.
    """
    columns = source.columns
    assert isinstance(columns, ColumnMap), "the inventory gives this format its column map"
    name = bare_name(source.path)
    if name.endswith(".parquet"):
        return parse_parquet(data, source, columns)
    if name.endswith(_LINES):
        return parse_lines(data, source, columns)
    return parse_csv(data, source, (columns,))


def _recognises(head: Head) -> bool | None:
    return None  # what a table looks like is for its column map to say


FORMAT = Format(
    name="table",
    description="by the column map `columns.yaml` at the landing root",
    patterns=("*.csv", "*.tsv", "*.jsonl", "*.ndjson", "*.parquet"),
    reader=read,
    recognises=_recognises,
    reasons=LINE_REASONS | CSV_REASONS,
    needs_columns=True,
    listener_folders=None,
    listener="a column, else the folder",
    played_at="ISO 8601, Unix time, a pattern, or a timestamp of Parquet",
    ms_played="a column, may be absent",
    cannot_know=("what no column of the map holds",),
)
