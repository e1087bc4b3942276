"""Every way this service says no, by name.

One key, one row in `ostiary.contract.errors.CATALOGUE` (statusCode, apiCode, texts in two languages).
A rule or a guard answers `Refused(Key.PHONE_TAKEN)`; only the wire knows numbers and sentences.
"""

from enum import StrEnum


class Key(StrEnum):
    """Reasons to refuse; the value is what logs, metrics and audit rows show."""

    # --- the form -----------------------------------------------------------------------------
    PARAMETERS_INCOMPLETE = "parameters_incomplete"
    """A required field is missing (2231). `data.field` names it."""
    BAD_REQUEST = "bad_request"
    """A field has the wrong type or value (400, no apiCode). `data.field` names it."""
    BAD_JSON = "bad_json"
    """The body is not JSON that can be decoded."""
    NOT_IMPLEMENTED = "not_implemented"
    """A documented option that this server does not serve yet (501). `data.field` names it."""

    NOT_SERVED = "not_served"
    """An operation that this server does not do (501). Its sentence says what to use instead (contract/unserved.py)."""

    # --- the caller ---------------------------------------------------------------------------
    NOT_LOGGED_IN = "not_logged_in"
    LOGIN_EXPIRED = "login_expired"
    LOGIN_INVALID = "login_invalid"
    APP_NOT_ALLOWED = "app_not_allowed"
    APP_NOT_FOUND = "app_not_found"
    USER_POOL_NOT_FOUND = "user_pool_not_found"
    CLIENT_AUTHENTICATION_FAILED = "client_authentication_failed"
    ACCESS_KEY_INVALID = "access_key_invalid"
    REAUTH_REQUIRED = "reauth_required"

    # --- the account --------------------------------------------------------------------------
    USER_NOT_FOUND = "user_not_found"
    USER_LOCKED = "user_locked"
    WRONG_CREDENTIALS = "wrong_credentials"
    USER_EXISTS = "user_exists"
    USERNAME_TAKEN = "username_taken"
    EMAIL_TAKEN = "email_taken"
    SIGN_UP_DISABLED = "sign_up_disabled"
    PHONE_BY_OTHER_DOOR = "phone_by_other_door"
    EMAIL_BY_OTHER_DOOR = "email_by_other_door"
    LAST_WAY_IN = "last_way_in"

    # --- the account's own page: profile, password, deletion ----------------------------------
    FIELD_NOT_EDITABLE = "field_not_editable"
    """`data.field` names a field that its owner can't change at this door, or at any."""
    OLD_PASSWORD_REQUIRED = "old_password_required"
    OLD_PASSWORD_WRONG = "old_password_wrong"
    ONE_TIME_TOKEN_INVALID = "one_time_token_invalid"

    SIGN_UP_TOO_OFTEN = "sign_up_too_often"
    """Too many accounts were made from this address; `data.retryAfter` in seconds."""

    # --- passwords ----------------------------------------------------------------------------
    CAPTCHA_REQUIRED = "captcha_required"
    """A captcha must be solved before the password is looked at; or the answer was wrong, late or used."""
    PASSWORD_NOT_DECRYPTED = "password_not_decrypted"
    PASSWORD_TOO_SHORT = "password_too_short"
    PASSWORD_COMMON = "password_common"
    PASSWORD_USED_BEFORE = "password_used_before"

    # --- roles and groups ---------------------------------------------------------------------
    ROLE_NOT_FOUND = "role_not_found"
    ROLE_TAKEN = "role_taken"
    GROUP_NOT_FOUND = "group_not_found"
    GROUP_TAKEN = "group_taken"

    # --- numbers and codes --------------------------------------------------------------------
    BAD_CONTACT = "bad_contact"
    NUMBER_NOT_SERVED = "number_not_served"
    SAME_PHONE = "same_phone"
    OLD_PHONE_REQUIRED = "old_phone_required"
    OLD_PHONE_MISMATCH = "old_phone_mismatch"
    PHONE_NOT_BOUND = "phone_not_bound"
    PHONE_ALREADY_BOUND = "phone_already_bound"
    PHONE_TAKEN = "phone_taken"
    CODE_WRONG = "code_wrong"
    CODE_EXPIRED = "code_expired"
    GUESSES_SPENT = "guesses_spent"
    SAME_EMAIL = "same_email"
    OLD_EMAIL_REQUIRED = "old_email_required"
    OLD_EMAIL_MISMATCH = "old_email_mismatch"
    EMAIL_NOT_BOUND = "email_not_bound"
    EMAIL_ALREADY_BOUND = "email_already_bound"
    UPDATE_TOKEN_INVALID = "update_token_invalid"
    UPDATE_TOKEN_USED = "update_token_used"

    # --- the second factor --------------------------------------------------------------------
    MFA_REQUIRED = "mfa_required"
    APP_MFA_REQUIRED = "app_mfa_required"
    TOTP_WRONG = "totp_wrong"
    RECOVERY_CODE_WRONG = "recovery_code_wrong"
    FACTOR_NOT_FOUND = "factor_not_found"
    FACTOR_ENROLLED = "factor_enrolled"
    FACTOR_NOT_SERVED = "factor_not_served"

    # --- devices ------------------------------------------------------------------------------
    DEVICE_NOT_FOUND = "device_not_found"

    # --- sending ------------------------------------------------------------------------------
    SMS_TOO_OFTEN = "sms_too_often"
    EMAIL_TOO_OFTEN = "email_too_often"
    SENDING_PAUSED = "sending_paused"

    # --- no operation answered (real HTTP status) ---------------------------------------------
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    BODY_TOO_LARGE = "body_too_large"
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"
    THROTTLED = "throttled"
    INTERNAL = "internal"
    UNAVAILABLE = "unavailable"
