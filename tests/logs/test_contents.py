"""Parquet content of landed files."""

import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

READ = """
import pathlib, sys
from pipeline.logs.contents import read_parquet
def threads():
    names = [path.read_text() for path in pathlib.Path("/proc/self/task").glob("*/comm")]
    return sum("jemalloc" not in name for name in names)  # such a thread runs no Python
before = threads()
table = read_parquet(pathlib.Path(sys.argv[1]).read_bytes(), columns=sys.argv[2:] or None)
print(table.column_names, table.num_rows, threads() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="threads are counted in /proc")
@pytest.mark.parametrize(("columns", "read"), [((), "['a', 'b']"), (("b",), "['b']")])
def test_parquet_is_read_without_threads_that_outlive_the_interpreter(
    tmp_path: Path, columns: tuple[str, ...], read: str
) -> None:
    pq.write_table(pa.table({name: range(10_000) for name in "ab"}), tmp_path / "t.parquet", row_group_size=1_000)
    done = subprocess.run(
        [sys.executable, "-c", READ, str(tmp_path / "t.parquet"), *columns], capture_output=True, text=True, check=True
    )
    assert done.stdout.split("\n")[0] == f"{read} 10000 0"
