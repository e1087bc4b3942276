"""What an operator does to an installation, from a shell, mostly while it serves. The commands are in `ostiary.cli`."""
