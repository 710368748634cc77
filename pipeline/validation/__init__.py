"""Expectations of the data, one module for each table, and the facts that they are checked against.

A suite is a function of facts and parameters; `pipeline.validation.expectations` checks facts against it. Facts are
aggregates and are computed once: those of a day when the day is new (`daily`), those of a night from its days.
"""
