"""Speed and memory compared with peers and the machine's limit: `make bench-speed`. See docs/benchmarks.md."""
