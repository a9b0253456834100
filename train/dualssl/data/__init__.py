"""Training data: cases in memory, batches as a function of the iteration."""
