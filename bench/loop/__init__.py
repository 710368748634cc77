"""`make loop`: what Netgain learns from a world whose answers are known, beside what is true."""
