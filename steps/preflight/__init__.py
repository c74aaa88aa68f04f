"""Preflight: refuses what cannot work before anything is paid for."""
