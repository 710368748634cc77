"""Stage decide: write the verdict of the night, with all figures that it follows from."""

import shutil

from pipeline.gate.evidence import EARLIER, SERVED
from pipeline.gate.record import Inputs, make_record
from pipeline.gate.record_model import ArrayFile
from pipeline.json_values import Json
from pipeline.reports.render import render
from pipeline.stages.context import Context
from pipeline.stages.fingerprints import digest, landing_digest, rule_code
from pipeline.stages.gate_inputs import daily_name, decision_days, gather, read_arrays
from pipeline.stages.spec import AS_OF, DATA, RECIPE, StageSpec
from pipeline.storage.checksums import digests
from pipeline.storage.json_files import write_json, write_text

STAGE = StageSpec(
    desc="PROMOTE, KEEP or INVALID, and why",
    deps=(
        DATA.champion,
        DATA.earlier,
        DATA.history,
        DATA.landing,
        DATA.plays,
        DATA.relevant,
        DATA.served,
        *(each(RECIPE).parent for each in (DATA.evaluation, DATA.metrics, DATA.fit_cost, DATA.recommendations)),
    ),
    params=("evaluation", "recipes", "gate", "economics", "interactions.item", AS_OF),
    outs=(DATA.decision_page, DATA.decision, DATA.pooled, DATA.recipes_plot),
)


def run(context: Context) -> str:
    """Write decision.json, its page, and the recipes' figures for `dvc plots`. An INVALID night is a decision too: the
    stage succeeds, and the night ends with an exit status of its own."""
    layout, params = context.layout, context.params
    evidence = gather(context)
    names = [*evidence.measured, *([SERVED] if evidence.served is not None else [])]
    shutil.copyfile(layout.earlier, layout.pooled)
    files = {name: layout.evaluation(name) for name in names} | {EARLIER: layout.pooled}
    files |= {daily_name(name): layout.daily_credit(name) for name in names}
    days = [day.isoformat() for day in decision_days(context)]
    found = digests(files)
    inputs = Inputs(
        as_of=context.as_of.isoformat(),
        k=params.evaluation.k,
        evidence=evidence,
        gate=params.gate,
        economics=params.economics,
        days=tuple(days),
        arrays={n: ArrayFile(file=files[n].relative_to(layout.data).as_posix(), **found[n]) for n in files},
        hashes={
            "landing": landing_digest(layout),
            "params": digest(params.model_dump(mode="json", include={"evaluation", "recipes", "gate", "economics"})),
            "rule": rule_code(),
        },
    )
    record = make_record(inputs, read_arrays(files, evidence.history, days))
    write_json(layout.decision, record)
    write_text(layout.decision_page, render(record))
    write_json(layout.recipes_plot, plot_rows(record))
    return str(record["sentence"])


def plot_rows(record: Json) -> list[Json]:
    """Return accuracy and cost of each recipe of a decision, by name; costs [CPU s, B] are null where unknown."""
    return [
        {
            "recipe": name,
            "ndcg": figures["mean"],
            "coverage": figures["coverage"],
            "cpu_seconds": (figures["night"] or {}).get("cpu_seconds"),
            "model_bytes": (figures["night"] or {}).get("model_bytes"),
        }
        for name, figures in sorted(record["recipes"].items())
    ]
