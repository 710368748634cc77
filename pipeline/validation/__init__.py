"""What is expected of data, a module for each table, and the facts that it is held against.

A suite is a function of facts and parameters; `pipeline.validation.expectations` holds the facts against it. Facts are
aggregates, computed once: a day's when the day is new (`daily`), a night's from its days.
"""
