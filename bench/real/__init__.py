"""The week ahead of real listeners, by their own exports."""
