"""Figures with their units. What is undefined is a dash, never a number."""

import math

from pipeline.gate.wording import DASH, percent


def number(value: float | None, digits: int = 4, unit: float = 1.0) -> str:
    """Return a figure with so many significant digits."""
    if value is None or math.isnan(value):
        return DASH
    scaled = float(f"{value / unit:.{digits}g}")
    return f"{scaled:,.0f}" if abs(scaled) >= 10 ** (digits - 1) else f"{scaled:g}"


def with_unit(value: float | None, unit: str) -> str:
    """Return a figure with its unit; a share is a percentage, and metrics are plain numbers.

    Examples:
        >>> with_unit(0.1478, "share"), with_unit(266_113_024, "B"), with_unit(1.41489, "s"), with_unit(0.0337716, "")
        ('14.8 %', '266.1 MB', '1.415 s', '0.03377')
    """
    if value is None or math.isnan(value):
        return DASH
    match unit:
        case "share":
            return percent(value)
        case "B":
            return f"{value / 1e6:,.1f} MB" if abs(value) < 1e9 else f"{value / 1e9:,.1f} GB"
        case "s" | "bit":
            return f"{number(value)} {unit}"
        case _:
            return number(value)
