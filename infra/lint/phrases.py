"""Find phrases that must be decoded before they are understood, and name the plain words for each.

Run as `python -m infra.lint.phrases`: prints `file:line: phrase: use …` and exits with status 1 if there are any.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PLACES = ("docs", "README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "pipeline", "tests")
"""Folders and files that are checked; of code, names too."""
SKIPPED = ("tests/docs/test_checks.py",)
"""Paths that are not checked: the test of this check quotes phrases."""
SUFFIXES = (".md", ".py")

PHRASES = {
    r"\b(comes?|came) to (the same|this|that|it|nothing|an?)\b": "is, results in, returns",
    r"\bwhat (each|it|they|all) (comes?|came) to\b": "the result",
    r"\b(whoever|nobody|somebody|everybody)\b": "the caller, the user, another process, no listener, all listeners",
    r"\b(is|are|was|were) told\b": "is signalled, is notified, is printed",
    r"\bbrought along\b": "installed",
    r"\bheld against\b": "compared with, checked against",
    r"\bstrangers?\b": "an unknown listener",
    r"\bwhere (it|there|that) (is|are) none\b": "if there is no …",
    r"(?-i:\bis none\b)": "is not one, there is no …",
    r"\bgives? none away\b": "non-reversible fingerprint",
    r"\bgone back to from\b": "rolled back from",
    r"\bout of the design space\b": "excluded",
    r"\bsure to earn\b": "conservative net benefit",
    r"\bless luck\b": "corrected for selection (winner's curse)",
    r"\bnone beats\b": "Pareto front",
    r"\bthat of \d{4}-\d\d-\d\d\b": "the release (night) of …",
    r"\bat the door\b": "on ingest",
    r"\blifelines?\b": "parent watch",
    r"\bleft-?overs\b": "orphaned temporaries",
    r"\bof late\b": "recently",
    r"\bby now\b": "so far",
    r"\bit is had\b": "it exists, it is available",
    r"\bout of bounds in \d\b": "state the alerts",
}


def findings(name: str, text: str) -> Iterator[str]:
    """Yield a line for each phrase in a text; code of Markdown, which quotes real output, is skipped."""
    fenced, markdown = False, name.endswith(".md")
    for number, raw in enumerate(text.splitlines(), start=1):
        line = re.sub(r"`[^`]*`", "", raw) if markdown else raw
        if markdown and raw.lstrip().startswith("```"):
            fenced = not fenced
        elif not fenced:
            for pattern, instead in PHRASES.items():
                for match in re.finditer(pattern, line, re.IGNORECASE):
                    yield f"{name}:{number}: {match.group(0)!r}: use {instead}"


def checked_files(root: Path = ROOT) -> Iterator[Path]:
    """Yield the files of PLACES that are not SKIPPED, in the order of their paths."""
    for place in PLACES:
        path = root / place
        found = sorted(path.rglob("*")) if path.is_dir() else [path] if path.exists() else []
        for each in found:
            name = each.relative_to(root).as_posix()
            if each.suffix in SUFFIXES and "generated" not in each.parts and not name.startswith(SKIPPED):
                yield each


def main() -> int:
    """Print the findings; return 1 if there are any."""
    lines = [
        line
        for path in checked_files()
        for line in findings(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))
    ]
    sys.stdout.writelines(f"{line}\n" for line in lines)
    return int(bool(lines))


if __name__ == "__main__":
    sys.exit(main())
