"""Second factors: which are wanted (`rules`), who may prove one (`door`), and that it is right (`prove`, `otp`).

`removal`: taking all of an account's off it.
"""

from ostiary.server.guards.second_factors.candidates import candidates, enrolled, wanted_by_app
from ostiary.server.guards.second_factors.door import Pending, enter, standing
from ostiary.server.guards.second_factors.prove import authenticator, find, prove, recover
from ostiary.server.guards.second_factors.removal import remove_all

__all__ = [
    "Pending",
    "authenticator",
    "candidates",
    "enrolled",
    "enter",
    "find",
    "prove",
    "recover",
    "remove_all",
    "standing",
    "wanted_by_app",
]
