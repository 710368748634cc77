"""Faults that other folders have the tests of: `make faults` runs them, too, and counts them."""

ELSEWHERE = {
    "MLflow refused, silent, slow, or killed half-way": ("tests/effects/test_outbox.py",),
    "two nights at once, or one that was overtaken": (
        "tests/state/test_lease.py",
        "tests/test_night.py::test_two_nights_at_a_time_are_refused",
    ),
    "DVC's rwlock cut off, or left by the dead": ("tests/runtime/test_dvc_rwlock.py",),
    "CURRENT cut off or missing": ("tests/releases/test_recovery.py",),
}
"""By fault, node ids that tests of it begin with."""


def fault_of(node: str) -> str | None:
    """The fault that a test of another folder is about."""
    return next((fault for fault, nodes in ELSEWHERE.items() if node.startswith(nodes)), None)


if __name__ == "__main__":
    print(*(node for nodes in ELSEWHERE.values() for node in nodes))
