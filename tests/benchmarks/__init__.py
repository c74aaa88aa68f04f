"""Measurements that no test asserts: speed and memory against other tools, and what planted noise becomes of."""
