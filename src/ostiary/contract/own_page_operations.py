"""Rows of the operations table: the signed-in user's own page, a forgotten password, and the list of countries."""

from ostiary.contract.keys import Key
from ostiary.contract.operation import Operation, Who
from ostiary.contract.own_page import CountryDetailInfo, GetSecurityInfo, UpdateUserProfile
from ostiary.contract.profile import User

OWN_PAGE: tuple[Operation, ...] = (
    Operation(
        name="update_profile",
        method="POST",
        path="/api/v3/update-profile",
        who=Who.USER,
        group="User profile",
        summary="Change the signed-in user's profile.",
        description="What is absent stays as it is. Number, address, password, status and verified flags have doors "
        "of their own and are refused here. `customData` is merged by its members: one that is null goes.",
        request=UpdateUserProfile,
        data=User,
        own_errors=(
            Key.APP_NOT_ALLOWED,
            Key.PHONE_BY_OTHER_DOOR,
            Key.EMAIL_BY_OTHER_DOOR,
            Key.FIELD_NOT_EDITABLE,
            Key.USERNAME_TAKEN,
        ),
    ),
    Operation(
        name="get_security_level",
        method="GET",
        path="/api/v3/get-security-info",
        who=Who.USER,
        group="User profile",
        summary="Read what protects the signed-in user's account.",
        description="The score is a sum of what is there: docs/own-page.md.",
        data=GetSecurityInfo,
    ),
    Operation(
        name="get_country_list",
        method="GET",
        path="/api/v3/get-country-list",
        who=Who.ANYONE,
        group="Public information",
        summary="List countries with their calling codes, flags and names.",
        description="All that have telephone numbers, by their two letters; which of them codes go to is the pool's "
        "`allowedCountries`.",
        data=list[CountryDetailInfo],
    ),
)
