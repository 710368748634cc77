"""Speed and memory beside peers and the machine's limit: `make bench-speed`. See docs/explanation/benchmarks.md."""
