"""Pages and plots, made from records alone; no page loads anything from elsewhere."""
