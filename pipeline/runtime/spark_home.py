"""Where Spark's workers leave their folders: a cluster inside one JVM (local-cluster[…]) writes into SPARK_HOME."""

import os
from pathlib import Path


def ensure_spark_home(master: str, links: Path) -> Path:
    """Point SPARK_HOME to PySpark's own Spark, for local-cluster[…] through a folder of links.

    Its workers keep their logs in SPARK_HOME/work, whatever the configuration says, and PySpark's folder is the
    environment's, not ours to write into. A SPARK_HOME that is set already is left alone for every other master.

    Args:
        links: the folder of links, made when it is needed.
    """
    import pyspark

    own = Path(pyspark.__file__).parent
    home = links if master.startswith("local-cluster") else Path(os.environ.get("SPARK_HOME", own))
    if home == links:
        links.mkdir(parents=True, exist_ok=True)
        for entry in own.iterdir():
            link = links / entry.name
            if entry.name != "work" and not link.is_symlink():
                link.symlink_to(entry)
    os.environ["SPARK_HOME"] = str(home)
    return home
