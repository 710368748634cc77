"""Write the pages of the API reference: each module of the packages that other programs would call."""

import importlib
import pkgutil

PACKAGES = {
    "metrics": "Metrics: pure functions from lists and relevant items to a value for each listener",
    "gate": "The gate: comparison, guardrails, economics and the decision",
    "features": "Features: from plays to interactions, splits and lists",
    "recommenders": "Recommenders: the protocol, the families and blending",
}
"""Packages below `pipeline`, with the first line of their page."""


def api_page(package: str) -> str:
    """Return the page of one package in Markdown, with an `automodule` for each of its modules."""
    lines = [f"# pipeline.{package}\n", PACKAGES[package] + ".\n"]
    found = importlib.import_module(f"pipeline.{package}")
    for module in pkgutil.walk_packages(found.__path__, f"pipeline.{package}."):
        lines += [f"\n## {module.name}\n", f"```{{eval-rst}}\n.. automodule:: {module.name}\n   :members:\n```\n"]
    return "\n".join(lines)
