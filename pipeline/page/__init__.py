"""The decision page: one self-contained HTML file, made from decision.json alone."""
