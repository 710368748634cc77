"""The log formats, and how their files become one table of plays: quarantine, tokens in place of ids, duplicates."""
