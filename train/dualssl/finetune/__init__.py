"""Fine-tuning: training that goes on from a model with corrected cases, and the proof that it helped."""
