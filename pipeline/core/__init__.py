"""Pure functions: no files, clock, environment, network or Spark."""
