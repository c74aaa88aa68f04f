"""The fault drill: real training processes, broken in every way we could think of, and judged by what they end with."""
