"""Writing dvc.yaml, checking it, and keeping its recipes those of params.yaml."""

import difflib
import sys
from collections.abc import Sequence
from pathlib import Path

from pipeline.configuration import Params, load_params
from pipeline.dvcfile.recipes import MADE_BY, recipes_agree
from pipeline.errors import NetgainError, ParamsError
from pipeline.graph import read_stages
from pipeline.storage.json_files import write_text
from pipeline.terminal import tell

COMMAND = "make dvc-yaml"


def write_dvc_yaml(workspace: Path, params: Params) -> None:
    """Write dvc.yaml into a workspace."""
    from pipeline.dvcfile.text import dvc_yaml  # imports every stage

    write_text(workspace / "dvc.yaml", dvc_yaml(params))


def follow_recipes(workspace: Path, params: Params) -> None:
    """Write dvc.yaml into a workspace for other recipes than it had, and say so."""
    write_dvc_yaml(workspace, params)
    names = ", ".join(params.recipes)
    tell(f"dvc.yaml is written anew for the recipes of params.yaml: {names}")


def difference(workspace: Path, params: Params) -> str:
    """Return the unified diff from a workspace's dvc.yaml to what `write_dvc_yaml` would write; empty if none."""
    from pipeline.dvcfile.text import dvc_yaml

    file = workspace / "dvc.yaml"
    before = file.read_text(encoding="utf-8") if file.exists() else ""
    old, new = (text.splitlines(keepends=True) for text in (before, dvc_yaml(params)))
    return "".join(difflib.unified_diff(old, new, "dvc.yaml", COMMAND))


def lacks_recipes(dvc_yaml: Path, params: Params, *, may_write: bool) -> bool:
    """Return whether dvc.yaml must be rewritten because its recipes differ from those of params.yaml.

    Args:
        dvc_yaml: of the workspace.
        params: of the workspace.
        may_write: whether it can be written now; not if a scheduler has drawn the tasks of this night from it already.

    Raises:
        ParamsError: dvc.yaml is missing or faulty; or it must be written anew, and may not be or was not made by
            `make dvc-yaml`.
    """
    read_stages(dvc_yaml)
    if recipes_agree(dvc_yaml, params):
        return False
    generated = dvc_yaml.read_text(encoding="utf-8").startswith(MADE_BY)
    if may_write and generated:
        return True
    raise ParamsError(
        "the recipes of dvc.yaml are not those of params.yaml",
        expected="a stage fit and a stage evaluate for each recipe, which follow the members of a blend",
        fix=f"Run `{COMMAND}`" + (", then start the whole run again." if generated else ", which replaces dvc.yaml."),
    )


def main(arguments: Sequence[str]) -> int:
    """Write dvc.yaml in the current folder or, given `--check`, say how it differs; return the exit status."""
    workspace = Path.cwd()
    try:
        params = load_params(workspace / "params.yaml")
    except NetgainError as err:
        tell(str(err))
        return err.exit_status
    if list(arguments) != ["--check"]:
        write_dvc_yaml(workspace, params)
        return 0
    found = difference(workspace, params)
    if found:
        print(found, f"dvc.yaml is not what the stages declare: run {COMMAND}", sep="\n", file=sys.stderr)  # noqa: T201
    return 1 if found else 0
