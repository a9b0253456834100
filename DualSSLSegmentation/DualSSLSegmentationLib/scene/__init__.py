"""What is in the MRML scene: volumes, segmentations, and the nodes that make up a segmented case."""
