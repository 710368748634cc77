"""`netgain formats`: the log formats that can be read."""

from pipeline.cli.console import console


def formats() -> None:
    """List the log formats: their files, where values come from, and what each cannot know."""
    from rich.text import Text

    from pipeline.logs.formats import all_formats

    out = console()
    for name, format in all_formats().items():
        out.print(Text(f"{name}  {format.files}", style="bold"))
        lines = {
            "content": format.description,
            "listener": format.listener,
            "time": format.played_at,
            "duration": format.ms_played,
            "cannot know": "; ".join(format.cannot_know),
        }
        for label, text in lines.items():
            out.print(Text(f"  {label}: {text}"), soft_wrap=True)
