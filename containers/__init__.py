"""The step images: what they are built from, and the programs that lock, build, check and push them."""
