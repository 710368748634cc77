"""Download, check and land public data sets."""
