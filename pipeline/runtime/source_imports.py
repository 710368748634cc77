"""What one module of the package imports, read from its source: nothing is executed."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

PACKAGE = "pipeline"
ROOT = Path(__file__).resolve().parents[2]
"""The folder that holds the package."""

_BY_NAME = {"import_module", "__import__", "iter_modules", "walk_packages"}


@cache
def imports_of(module: str, root: Path) -> frozenset[str]:
    """Return the package's modules that a module imports, in functions too, but not under `if TYPE_CHECKING:`.

    A package `a` that is imported on the way to `a.b` is not among them.

    Args:
        module: a name such as `pipeline.stages.fit`.
        root: the folder that holds the package.
    """
    named = set(_names(_tree(module, root), module, is_package=_is_package(module, root)))
    # `from a.b import c` names a.b.c, which is a module or something defined in a.b.
    found = (name if is_module(name, root) else name.rpartition(".")[0] for name in named)
    return frozenset(name for name in found if is_module(name, root))


@cache
def packages_by_name(module: str, root: Path) -> frozenset[str]:
    """Return the packages that a module imports modules of by a computed name (`importlib.import_module`, `pkgutil`).

    `import_module(f"pipeline.room.{name}")` is of `pipeline.room`; a name of which nothing is written out is taken
    to be of the module's own package.
    """
    calls = (node for node in _walk(_tree(module, root)) if isinstance(node, ast.Call))
    own = module if _is_package(module, root) else module.rpartition(".")[0]
    return frozenset(_written_out(call) or own for call in calls if _last_name(call.func) in _BY_NAME)


@cache
def executes_something(module: str, root: Path) -> bool:
    """Return whether a module contains anything but docstrings."""
    body = _tree(module, root).body
    return any(not isinstance(node, ast.Expr) or not isinstance(node.value, ast.Constant) for node in body)


def path_of(module: str, root: Path) -> Path:
    """Return the file of a module or, for a package, its `__init__.py`."""
    place = root.joinpath(*module.split("."))
    return place / "__init__.py" if place.is_dir() else place.with_name(f"{place.name}.py")


def file_of(module: str, root: Path = ROOT) -> str:
    """Return the file of a module relative to `root`, with `/`."""
    return path_of(module, root).relative_to(root).as_posix()


def is_module(name: str, root: Path) -> bool:
    """Return whether there is a module or a package of that dotted name."""
    return path_of(name, root).is_file()


def packages_of(module: str) -> tuple[str, ...]:
    """Return the packages that a module is in, the outermost first."""
    parts = module.split(".")
    return tuple(".".join(parts[:length]) for length in range(1, len(parts)))


def modules_of(package: str, root: Path) -> tuple[str, ...]:
    """Return all modules of a package; not those of packages below it."""
    files = sorted(root.joinpath(*package.split(".")).glob("*.py"))
    return tuple(f"{package}.{path.stem}" for path in files if path.stem != "__init__")


def files_below(folder: Path) -> list[Path]:
    """Return the files in a folder and in the folders below it, without hidden ones and what Python and Numba cache."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return [path for path in found if not any(_is_ignored(part) for part in path.relative_to(folder).parts)]


def _is_ignored(part: str) -> bool:
    return part.startswith(".") or part == "__pycache__"


def _names(tree: ast.Module, module: str, *, is_package: bool) -> Iterator[str]:
    for node in _walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] == PACKAGE)
        elif isinstance(node, ast.ImportFrom):
            parts = module.split(".")
            # One dot stands for the package that the module is in, or that it is.
            above = parts[: len(parts) - node.level + is_package] if node.level else []
            source = ".".join([*above, *([node.module] if node.module else [])])
            if source.split(".")[0] == PACKAGE:
                yield from (f"{source}.{alias.name}" for alias in node.names)


def _walk(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    only_for_types = isinstance(node, ast.If) and _last_name(node.test) == "TYPE_CHECKING"
    for child in node.orelse if only_for_types else ast.iter_child_nodes(node):  # type: ignore[attr-defined]  # an If
        yield from _walk(child)


def _written_out(call: ast.Call) -> str | None:
    """Return the package named by the literal start of a call's first argument; None if that is not a literal."""
    match call.args:
        case [ast.JoinedStr(values=[ast.Constant(value=str(start)), *_]), *_] | [ast.Constant(value=str(start)), *_]:
            package = start.rpartition(".")[0]
            return package if package.split(".")[0] == PACKAGE else None
    return None


def _last_name(node: ast.expr) -> str | None:
    """Return the last name of an expression: `c` for `c`, `b.c` and `a.b.c`; None for other expressions."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return None


@cache
def _tree(module: str, root: Path) -> ast.Module:
    return ast.parse(path_of(module, root).read_text(encoding="utf-8"))


def _is_package(module: str, root: Path) -> bool:
    return root.joinpath(*module.split(".")).is_dir()
