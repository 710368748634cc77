"""The embedded default: kernels run in this process, one after the other."""

from collections.abc import Callable, Sequence

import polars as pl
import pyarrow as pa

from pipeline.engine.executor import Result, Task


class InProcess:
    """Polars and NumPy use the machine's cores inside a kernel, so tasks need no processes of their own."""

    name = "inprocess"

    def map(self, kernel: Callable[[Task], Result], tasks: Sequence[Task]) -> list[Result]:
        return [kernel(task) for task in tasks]

    def shuffle(
        self,
        mapper: Callable[[Task], pa.Table],
        tasks: Sequence[Task],
        *,
        key: str,
        schema: pa.Schema,
        reducer: Callable[[pa.Table], Result],
    ) -> list[Result]:
        tables = [mapper(task).select(schema.names).cast(schema) for task in tasks]
        rows = pa.concat_tables([schema.empty_table(), *tables])
        groups = pl.DataFrame(rows).partition_by(key, as_dict=True)
        return [reducer(groups[k].to_arrow().cast(schema)) for k in sorted(groups)]
