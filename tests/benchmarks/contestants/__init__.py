"""The programs that the benchmark compares. `plain_loop` and `pandas_pass` are scripts that know nothing of the package."""
