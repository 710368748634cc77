"""Where files are read and written: tables, expectations, tracking, releases."""
