"""Text of others, made safe for a terminal: names of artists and files, and what people gave as a reason."""

import re
import sys

# Control characters (those of C1 begin sequences on some terminals), marks that reorder text, and halves of surrogates.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


def printable(text: str) -> str:
    """Return a text with a replacement character for each that a terminal would act on; line feeds and tabs stay.

    Examples:
        >>> printable("A\\x1b[31mB")
        'A�[31mB'
    """
    return _UNSAFE.sub("\ufffd", text)


def tell(line: str) -> None:
    """Print a line for the operator to stderr."""
    print(f"netgain: {printable(line)}", file=sys.stderr)  # noqa: T201
