"""Alerts for the people who run Netgain, by webhook and mail: what happened and what to do."""
