"""Better hyperparameters for a recipe, found on days that neither training nor the gate's judgement is made of."""
