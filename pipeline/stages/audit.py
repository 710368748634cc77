"""Stage audit: Great Expectations on what is about to be served. A fault stops the night; yesterday's lists stay."""

from pipeline.errors import ValidationFailed
from pipeline.stages.context import Context
from pipeline.stages.spec import AS_OF, DATA, StageSpec
from pipeline.storage.json_files import write_json
from pipeline.storage.schemas import FALLBACK, INTERACTIONS, ITEM_MAP, LISTENER_MAP, LISTS
from pipeline.storage.tables import read_table
from pipeline.validation.expectations import check, checkpoint
from pipeline.validation.lists import fallback_facts, fallback_suite, list_facts, lists_suite

STAGE = StageSpec(
    desc="Check the lists with Great Expectations before they are served",
    deps=(DATA.lists, DATA.fallback, DATA.window),
    params=("lists", "split.target", AS_OF),
    outs=(DATA.audit_report,),
)


def run(context: Context) -> str:
    """Hold the lists and the fallback list against what was promised, and write the report.

    Raises:
        ValidationFailed: an expectation is not met; the report says the same.
    """
    layout, params = context.layout, context.params
    items = read_table(layout.window / "items.parquet", ITEM_MAP)
    lists = list_facts(
        read_table(layout.lists, LISTS),
        listeners=read_table(layout.window / "listeners.parquet", LISTENER_MAP),
        items=items,
        interactions=read_table(layout.window / "interactions.parquet", INTERACTIONS),
        n_items=params.lists.n_items,
        heard_out=params.split.target == "new",
    )
    fallback = fallback_facts(read_table(layout.fallback, FALLBACK), items=items, n_items=params.lists.n_fallback)
    reports = [
        check(lists, lists_suite(heard_out=params.split.target == "new"), name="lists"),
        check(fallback, fallback_suite(), name="fallback"),
    ]
    n_short = int((lists["n_rows"] < params.lists.n_items).sum())
    report = checkpoint(reports, as_of=context.as_of) | {"n_lists": len(lists), "n_short": n_short}
    write_json(layout.audit_report, report)
    failures = report["failures"]
    if failures:
        raise ValidationFailed(
            "lists that must not be served",
            expected="; ".join(failures),
            fix=f"See {layout.audit_report}; what was served before is still served.",
        )
    n_held = report["n_expectations"]
    return f"{len(lists)} lists hold {n_held} expectations; {n_short} are short because the catalogue is exhausted"
