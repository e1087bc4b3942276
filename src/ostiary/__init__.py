"""Ostiary: the Python SDK; the service lives in ``ostiary.server``."""
