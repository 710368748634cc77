"""Names of the files for newcomers, apart from the code that needs NumPy: the server loads that when it is asked."""

MODEL, ITEMS = "newcomers", "items.json"
