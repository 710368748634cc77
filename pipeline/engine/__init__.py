"""Runs a kernel over partitions: in this process, or as Spark tasks."""
