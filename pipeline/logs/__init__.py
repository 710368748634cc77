"""The log formats, and how their files become one table of plays: quarantine, pseudonyms, duplicates."""
