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
        description="Lifetimes are in seconds. Documented settings that have no effect yet show their default.",
        data=SecuritySettings,
    ),
    Operation(
        name="update_security_settings",
        method="POST",
        path="/api/v3/update-security-settings",
        who=Who.MANAGEMENT,
        group="Management",
        summary="Change the pool's security settings.",
        description="Absent settings stay as they are. Takes effect at once, without a restart; codes and tokens "
        "already issued keep their length, lifetime and number of attempts. A `verifyCodeLength` of 4 or "
        "5 requires `wrongCodesPerDay` to be 5 or less. An empty list of `allowedOrigins` lets no "
        "website call; `allowedCountries` must not be empty.",
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
        summary="Create a user.",
        description="A number or address can be set without verification; it counts as unverified unless the call "
        "says otherwise. `allowedCountries` limits where codes may be sent, not which numbers users may "
        "have.",
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
        description="`userIdType` says what kind of identifier `userId` is: `user_id` (the default), `external_id`, "
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
        "(`options.fuzzySearchOn` selects which of the three); `advancedFilter` with `EQUAL` matches the "
        "whole value of one of them. All conditions must hold. A page has 10 users unless "
        "`options.pagination` says otherwise, at most 50; newest users first. A search considers the "
        "first 10 000 matches of each of the three: if there may be more, use a longer keyword.",
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
        description="Absent fields stay as they are; fields to be emptied are listed in `options.clearFields` "
        '(`["phone"]` removes the number). Members of `customData` replace those of the same name; null removes one. A new '
        "number or address is unverified unless the call says otherwise. A change of phone number voids the user's "
        "codes and one-time tokens, and the old number, the new one and every verified e-mail address are notified. "
        "A new password, and any status but `Activated`, end the user's sessions.",
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
        description="Their sessions end, their numbers and addresses become free, and their IDs are never reused. "
        "Either all are deleted or none: if users are unknown, `data.userIds` lists them.",
        request=DeleteUsersBatch,
        data=IsSuccess,
        own_errors=(Key.USER_NOT_FOUND,),
        later=(Later("options.userIdType", served=FOUND_BY),),
    ),
)
