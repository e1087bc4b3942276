"""What anybody may know: the countries."""

import asyncio

from ostiary.contract.own_page import CountryDetailInfo
from ostiary.server.core.call import Call
from ostiary.server.features.public_info.countries import countries
from ostiary.server.guards.service import Service


async def get_country_list(_service: Service, _call: Call, _form: None) -> list[CountryDetailInfo]:
    """List countries. Made once, in a thread: the names of four languages take a moment to be read."""
    return await asyncio.to_thread(countries)
