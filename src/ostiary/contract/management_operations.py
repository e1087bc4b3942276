"""Rows of the operations table: what an administrator's program asks for."""

from typing import Any

from ostiary.contract.common import IsSuccess
from ostiary.contract.keys import Key
from ostiary.contract.management import (
    CreateUser,
    DeleteUsersBatch,
    GetManagementToken,
    GetUser,
    ListUsersRequest,
    ManagementTokenData,
    UpdateUser,
    UserPaging,
)
from ostiary.contract.operation import Later, Need, Operation, Who
from ostiary.contract.profile import User
from ostiary.contract.security import SecuritySettings, UpdateSecuritySettings, unserved_defaults

FOUND_BY: tuple[Any, ...] = ("user_id", "external_id", "phone", "email", "username")
SEARCHED: tuple[Any, ...] = ("username", "email", "phone")

MANAGEMENT: tuple[Operation, ...] = (
    Operation(
        name="get_management_token",
        method="POST",
        path="/api/v3/get-management-token",
        who=Who.ANYONE,
        group="Management",
        summary="Exchange an access key for a management token.",
        description="`expires_in` is in seconds.",
        request=GetManagementToken,
        data=ManagementTokenData,
        own_errors=(Key.ACCESS_KEY_INVALID,),
    ),
    Operation(
        name="get_security_settings",
        method="GET",
        path="/api/v3/get-security-settings",
        who=Who.MANAGEMENT,
        group="Management",
        summary="Read the pool's security settings.",
        description="Lives are in seconds. Settings that are documented and have no effect yet show their default.",
        data=SecuritySettings,
    ),
    Operation(
        name="update_security_settings",
        method="POST",
        path="/api/v3/update-security-settings",
        who=Who.MANAGEMENT,
        group="Management",
        summary="Change the pool's security settings.",
        description="What is absent stays as it is. Works at once and without a restart; codes and tokens that "
        "are under way keep their length, life and tries. `verifyCodeLength` 4 or 5 wants `wrongCodesPerDay` of "
        "at most 5. An empty list of `allowedOrigins` lets no website call; `allowedCountries` may not be empty.",
        request=UpdateSecuritySettings,
        data=SecuritySettings,
        later=tuple(Later(path, served=(value,)) for path, value in unserved_defaults().items()),
    ),
    Operation(
        name="create_user",
        method="POST",
        path="/api/v3/create-user",
        who=Who.MANAGEMENT,
        group="Management",
        summary="Make a user.",
        description="A number or an address may be set without a proof; it is unverified unless the call says "
        "otherwise. `allowedCountries` says where codes may go, not which numbers users may have.",
        request=CreateUser,
        data=User,
        own_errors=(
            Key.BAD_CONTACT,
            Key.PASSWORD_NOT_DECRYPTED,
            Key.PASSWORD_TOO_SHORT,
            Key.PASSWORD_COMMON,
            Key.USERNAME_TAKEN,
            Key.EMAIL_TAKEN,
            Key.PHONE_TAKEN,
            Key.USER_EXISTS,
        ),
        needs=(Need(("username", "email", "phone", "externalId")),),
        later=(
            Later("salt", served=()),
            Later("tenantIds", served=()),
            Later("otp", served=()),
            Later("departmentIds", served=()),
            Later("metadataSource", served=()),
            Later("identities", served=()),
            Later("options.keepPassword"),
            Later("options.autoGeneratePassword"),
            Later("options.resetPasswordOnFirstLogin"),
            Later("options.departmentIdType", served=()),
            Later("options.sendNotification.sendEmailNotification"),
            Later("options.sendNotification.sendPhoneNotification"),
        ),
    ),
    Operation(
        name="get_user",
        method="GET",
        path="/api/v3/get-user",
        who=Who.MANAGEMENT,
        group="Management",
        summary="Read one user.",
        description="`userIdType` says what kind of name `userId` is: `user_id` (where absent), `external_id`, "
        "`phone`, `email` or `username`.",
        request=GetUser,
        data=User,
        own_errors=(Key.USER_NOT_FOUND,),
        later=(Later("userIdType", served=FOUND_BY), Later("flatCustomData"), Later("withPost")),
    ),
    Operation(
        name="list_users",
        method="POST",
        path="/api/v3/list-users",
        who=Who.MANAGEMENT,
        group="Management",
        summary="List or search the pool's users, page by page.",
        description="`keywords` finds users whose user name, e-mail address or phone number begins with it "
        "(`options.fuzzySearchOn` picks among the three); `advancedFilter` with `EQUAL` finds the whole value of "
        "one of them. Conditions hold together. Pages have 10 users unless `options.pagination` says otherwise, "
        "50 at most; newest users first. A search looks at the first 10 000 matches of each of the three: where more "
        "begin alike, type more.",
        request=ListUsersRequest,
        data=UserPaging,
        later=(
            Later("searchQuery", served=()),
            Later("advancedFilter.field", served=SEARCHED),
            Later("advancedFilter.operator", served=("EQUAL",)),
            Later("options.fuzzySearchOn", served=SEARCHED),
            Later("options.sort", served=()),
            Later("options.withPost"),
        ),
    ),
    Operation(
        name="update_user",
        method="POST",
        path="/api/v3/update-user",
        who=Who.MANAGEMENT,
        group="Management",
        summary="Change a user.",
        description="What is absent stays as it is; what is to be emptied is named in `options.clearFields` "
        '(`["phone"]` takes the number off). Members of `customData` replace their namesakes, null ones go. A new '
        "number or address is unverified unless the call says otherwise. A changed phone number ends the user's "
        "codes and one-time tokens and is told to the old and the new number and every verified e-mail address. A "
        "new password, and any status but `Activated`, end the user's sessions.",
        request=UpdateUser,
        data=User,
        own_errors=(
            Key.BAD_CONTACT,
            Key.PASSWORD_NOT_DECRYPTED,
            Key.PASSWORD_TOO_SHORT,
            Key.PASSWORD_COMMON,
            Key.USER_NOT_FOUND,
            Key.USERNAME_TAKEN,
            Key.EMAIL_TAKEN,
            Key.PHONE_TAKEN,
            Key.USER_EXISTS,
        ),
        later=(
            Later("options.userIdType", served=FOUND_BY),
            Later("metadata", served=()),
            Later("options.resetPasswordOnFirstLogin"),
            Later("options.resetPasswordOnNextLogin"),
            Later("options.autoGeneratePassword"),
            Later("options.sendPasswordResetedNotification.sendDefaultEmailNotification"),
            Later("options.sendPasswordResetedNotification.sendDefaultPhoneNotification"),
            Later("options.sendPasswordResetedNotification.inputSendEmailNotification", served=()),
            Later("options.sendPasswordResetedNotification.inputSendPhoneNotification", served=()),
        ),
    ),
    Operation(
        name="delete_users_batch",
        method="POST",
        path="/api/v3/delete-users-batch",
        who=Who.MANAGEMENT,
        group="Management",
        summary="Delete users.",
        description="Their sessions end, their numbers and addresses become free, and their ids are never used "
        "again. All of them go, or none: where one is unknown, `data.userIds` names those that are.",
        request=DeleteUsersBatch,
        data=IsSuccess,
        own_errors=(Key.USER_NOT_FOUND,),
        later=(Later("options.userIdType", served=FOUND_BY),),
    ),
)
