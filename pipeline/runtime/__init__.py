"""Where work runs: executors, Spark, the cost meter, cached results, child processes."""
