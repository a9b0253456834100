"""The learning loop as a benchmark: what a model gains when a simulated reader corrects cases and it is fine-tuned on them."""
