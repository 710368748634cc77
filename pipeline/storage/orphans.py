"""What kills leave behind: temporaries that nobody will rename any more, and folders that stages worked in.

Whatever is written, its name begins with a dot until it is whole.
"""

import shutil
from pathlib import Path


def remove_orphans(*folders: Path) -> int:
    """Remove them from folders that nobody works in now; says how many there were. DVC's .gitignore stays."""
    hidden = [path for folder in folders for path in folder.rglob(".*") if path.name != ".gitignore"]
    for path in hidden:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    return len(hidden)
