"""MLflow: runs, registered models, aliases, replay of what could not be delivered. Nothing else imports it."""
