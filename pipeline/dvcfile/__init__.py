"""dvc.yaml, written from what the stages declare, the code that they import and the recipes of params.yaml."""
