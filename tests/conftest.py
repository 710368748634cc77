"""Property tests try the same cases each time, so that a red run is the change's own; NETGAIN_FUZZ=N tries N others."""

import os

from hypothesis import settings

settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("fuzz", max_examples=int(os.environ.get("NETGAIN_FUZZ", "1000")), deadline=None)
settings.load_profile("fuzz" if "NETGAIN_FUZZ" in os.environ else "repeatable")
