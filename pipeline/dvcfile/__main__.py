"""`make dvc-yaml`: write dvc.yaml in this folder; with `--check`, fail if that would change it."""

import sys

from pipeline.dvcfile.write import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
