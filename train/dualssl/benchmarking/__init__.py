"""How fast and how large: figures of prediction and training as ratios within one run, on random images in memory."""
