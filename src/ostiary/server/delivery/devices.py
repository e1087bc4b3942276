"""What a person would call the device behind a User-Agent: 'Chrome, Windows'.

A notice goes to someone who may be under attack, and the User-Agent is the attacker's to write. So nothing of
it is ever repeated: it only chooses between the names of `core/user_agents.py`.
"""

from functools import lru_cache

from ostiary.server.core.user_agents import program, system


@lru_cache(maxsize=1_024)
def device_name(user_agent: str) -> str | None:
    """Program and system, as far as they are known; None where neither is."""
    return ", ".join(filter(None, (program(user_agent), system(user_agent)))) or None
