"""Check that no page of the built site loads anything from another host.

Run as `python -m infra.site.check_site FOLDER`: prints `file: address` for each finding and exits with status 1 if
there are any. A link that a reader clicks may lead elsewhere; a script, style, font, image or frame may not.
"""

import re
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

_LOADED = {
    "script": ("src",),
    "img": ("src", "srcset"),
    "iframe": ("src",),
    "source": ("src", "srcset"),
    "video": ("src", "poster"),
    "audio": ("src",),
    "object": ("data",),
    "embed": ("src",),
    "link": ("href",),
    "use": ("href",),
}
_NOT_LOADED = {"canonical", "next", "prev", "author", "license", "index", "search", "help"}
"""Values of `rel` for which a browser fetches nothing by itself."""
_ELSEWHERE = re.compile(r"^\s*(?:https?:)?//", re.IGNORECASE)
_CSS = re.compile(r"""(?:url\(\s*|@import\s+)["']?((?:https?:)?//[^"')\s]+)""", re.IGNORECASE)


class _Loads(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "link" and set(given.get("rel", "").split()) <= _NOT_LOADED:
            return
        for name in _LOADED.get(tag, ()):
            if _ELSEWHERE.match(given.get(name, "")):
                self.found.append(given[name])
        self.found += _CSS.findall(given.get("style", ""))


def loaded_from_elsewhere(site: Path) -> Iterator[str]:
    """Yield `file: address` for everything that a page or a style sheet of the site loads from another host."""
    for path in sorted(site.rglob("*")):
        if path.suffix == ".html":
            text = path.read_text(encoding="utf-8")
            loads = _Loads()
            loads.feed(text)
            found = loads.found + [
                each for style in re.findall(r"(?s)<style.*?</style>", text) for each in _CSS.findall(style)
            ]
        elif path.suffix == ".css":
            found = _CSS.findall(path.read_text(encoding="utf-8"))
        else:
            continue
        yield from (f"{path.relative_to(site).as_posix()}: {address}" for address in found)


def main() -> int:
    """Print the findings for the folder named on the command line; return 1 if there are any."""
    lines = list(loaded_from_elsewhere(Path(sys.argv[1])))
    sys.stdout.writelines(f"{line}\n" for line in lines)
    return int(bool(lines))


if __name__ == "__main__":
    sys.exit(main())
