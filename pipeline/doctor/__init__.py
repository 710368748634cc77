"""What is wrong with a machine and its nights, and the mending of what is safe to mend; a module for each check."""
