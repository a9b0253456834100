"""How good a model is on cases with labels: its segmentations, and its own idea of where they are wrong."""
