"""Ways out, one small class per file."""
