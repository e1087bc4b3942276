"""The command line: one file per family of commands. Nothing of the service is loaded before it is needed."""
