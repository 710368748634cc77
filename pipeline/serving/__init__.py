"""Serving: the index of ready-made answers in a release, the server, and the telemetry that it leaves to the nights."""
