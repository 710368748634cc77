"""Write the reference page of the command line from typer's own commands."""

from collections.abc import Iterator

import click
import typer

from infra.site.markdown import one_line, table

_INTRODUCTION = """\
# The command netgain

`netgain --help` shows the same in a terminal. Exit statuses are on [their own page](../exit-statuses.md). This page is
generated from the code at each build of the site.
"""


def cli_page(app: typer.Typer) -> str:
    """Return the page in Markdown: each command with its arguments and options, by panel of `netgain --help`."""
    group = typer.main.get_command(app)
    if not hasattr(group, "commands"):
        raise TypeError("netgain is a group of commands")
    panels: dict[str, list[tuple[str, click.Command]]] = {}
    for name, command in group.commands.items():
        panels.setdefault(str(getattr(command, "rich_help_panel", "") or "Commands"), []).append((name, command))
    lines = [_INTRODUCTION]
    for panel, commands in panels.items():
        lines.append(f"\n## {panel}\n")
        for name, command in commands:
            lines += _command(f"netgain {name}", command)
    return "\n".join(lines)


def _command(name: str, command: click.Command) -> Iterator[str]:
    if getattr(command, "hidden", False):
        return
    context = click.Context(command, info_name=name)
    inner = getattr(command, "commands", {})
    yield f"\n### {name}\n"
    yield (command.help or "").replace("\b", "").strip() + "\n"
    if not inner or getattr(command, "invoke_without_command", False):
        usage = " ".join(command.collect_usage_pieces(context))
        yield f"```text\n{name} {usage}\n```\n"
        rows = [_parameter(p, context) for p in command.params if not getattr(p, "hidden", False)]
        if rows:
            yield table(("argument or option", "meaning", "default"), rows)
    for each, sub in inner.items():
        yield from _command(f"{name} {each}", sub)


def _parameter(parameter: click.Parameter, context: click.Context) -> tuple[str, str, str]:
    record = parameter.get_help_record(context)
    names = record[0] if record else parameter.human_readable_name
    spelled = ", ".join(parameter.opts) if parameter.param_type_name == "option" else names
    default = parameter.get_default(context)
    shown = "required" if parameter.required else "" if default in (None, False, (), []) else f"`{default}`"
    return f"`{spelled}`", one_line(str(getattr(parameter, "help", "") or "")), shown
