"""Sections of params.yaml, a module each, as frozen, typed, validated values. pipeline.configuration reads the file."""
