"""Work that the engine does in the background: segmenting, saving a corrected case, fine-tuning."""
