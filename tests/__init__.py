"""Tests: stories through the public surface, with real parts."""
