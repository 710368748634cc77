"""Check the relative links of Markdown files outside docs/, and the docs pages that code and messages name.

Sphinx checks the links inside docs/. Run as `python -m infra.lint.links`: prints `file:line: link` for each link that
leads nowhere, and exits with status 1 if there are any.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")
CODE = ("Makefile", "params.yaml", "pipeline", "dags", "tests", "bench", "infra")
CODE_SUFFIXES = ("", ".py", ".yaml", ".j2", ".sh")
EXCEPT = ("tests/docs/test_checks.py",)
"""Files that name pages that do not exist on purpose."""

_LINK = re.compile(r"\]\(([^)\s]+)\)")
_NAMED = re.compile(r"\bdocs/[\w./-]+\.(?:md|json)\b")


def broken_links(root: Path = ROOT) -> Iterator[str]:
    """Yield a line for each link or path that leads nowhere."""
    for page in PAGES:
        yield from _broken(root, root / page, _LINK)
    for place in CODE:
        path = root / place
        files = [path] if path.is_file() else sorted(path.rglob("*"))
        for file in files:
            named = file.relative_to(root).as_posix()
            if file.is_file() and file.suffix in CODE_SUFFIXES and named not in EXCEPT:
                yield from _broken(root, file, _NAMED)


def _broken(root: Path, file: Path, pattern: re.Pattern[str]) -> Iterator[str]:
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        for match in pattern.finditer(line):
            target = match.group(match.lastindex or 0).partition("#")[0]
            if target and "://" not in target and not target.startswith("mailto:") and not (root / target).exists():
                yield f"{file.relative_to(root).as_posix()}:{number}: {target} does not exist"


def main() -> int:
    """Print the findings; return 1 if there are any."""
    lines = list(broken_links())
    sys.stdout.writelines(f"{line}\n" for line in lines)
    return int(bool(lines))


if __name__ == "__main__":
    sys.exit(main())
