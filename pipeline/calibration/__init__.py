"""The gate put to the proof: how often it is wrong, and what it is worth."""
