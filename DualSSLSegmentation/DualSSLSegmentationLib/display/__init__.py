"""What is seen in slice and 3D views: overlays, outlines, surfaces, colours."""
