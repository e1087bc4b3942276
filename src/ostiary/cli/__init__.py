"""The command line: one file per family of commands. Nothing of the service is loaded before it is needed.

What is loaded stays, so the collector looks rarely from the first line on: at Python's own thresholds it walked over
half-loaded modules for a fifth of a start. A serving process sets its own (`running`).
"""

import gc

gc.set_threshold(200_000, 20, 50)
