"""Infrastructure: what the templates mean, not only how they are spelled."""
