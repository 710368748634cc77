"""`python -m pipeline`: the command without its script on the PATH."""

from pipeline.cli.entry import main

if __name__ == "__main__":
    main()
