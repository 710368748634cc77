"""Online experiments: assignment, drafts and estimation. Pure: numbers in, numbers out."""
