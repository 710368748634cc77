"""Pages and plots of decisions, checks, the monitor and the calibration."""
