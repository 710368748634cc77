"""Public data sets, downloaded, checked and landed."""
