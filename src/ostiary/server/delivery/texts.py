"""The sentences themselves, as data: what a code is for, and what a notice says, in two languages.

English texts are plain ASCII: one other character turns an SMS of 160 letters into one of 70.
A test renders every row in both languages and holds it to its length.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from ostiary.server.core.call import Lang
from ostiary.server.core.passcode import Channel

Audience = Literal["old", "new", "email", "phone"]
"""Whom a notice tells: the contact that was, the one that is, or the account's other one: an address, a number."""


@dataclass(frozen=True, slots=True)
class Words:
    """One thing said in each language."""

    zh: str
    en: str

    def say(self, lang: Lang) -> str:
        """The words in one language."""
        return self.zh if lang == "zh-CN" else self.en


@dataclass(frozen=True, slots=True)
class CodeFor:
    """What a code of one channel is for."""

    purpose: Words
    """Continues 'Use it … ' with an infinitive; in Chinese after 用于."""
    topic: Words
    """The same as a noun, for lists and for notices about wrong guesses."""
    grave: bool = False
    """Where somebody else asking for it means that an account is in danger."""


CODES: Final[Mapping[Channel, CodeFor]] = {
    Channel.LOGIN: CodeFor(Words("登录", "to sign in"), Words("登录", "sign-in")),
    Channel.REGISTER: CodeFor(Words("注册新账户", "to create your account"), Words("注册", "sign-up")),
    Channel.RESET_PASSWORD: CodeFor(
        Words("重置密码", "to reset your password"), Words("重置密码", "password reset"), grave=True
    ),
    Channel.BIND_PHONE: CodeFor(
        Words("将本号码设为您账户的手机号", "to make this your account's phone number"),
        Words("绑定手机号", "new phone number"),
    ),
    Channel.UNBIND_PHONE: CodeFor(
        Words("更换或解绑本号码", "to change or remove this number"),
        Words("更换或解绑手机号", "changing or removing the phone number"),
        grave=True,
    ),
    Channel.BIND_MFA: CodeFor(
        Words("在此接收两步验证的验证码", "to receive your two-step verification codes here"),
        Words("开启两步验证", "turning on two-step verification"),
    ),
    Channel.VERIFY_MFA: CodeFor(
        Words("两步验证", "to finish signing in (two-step verification)"),
        Words("两步验证", "two-step verification"),
        grave=True,
    ),
    Channel.UNBIND_MFA: CodeFor(
        Words("关闭本号码的两步验证", "to stop using this number for two-step verification"),
        Words("关闭两步验证", "turning off two-step verification"),
        grave=True,
    ),
    Channel.COMPLETE_PHONE: CodeFor(
        Words("为您的账户补充手机号", "to add your phone number and finish signing up"),
        Words("补充手机号", "adding a phone number"),
    ),
    Channel.IDENTITY_VERIFICATION: CodeFor(
        Words("确认是您本人", "to confirm that it is you"), Words("身份验证", "identity check"), grave=True
    ),
    Channel.DELETE_ACCOUNT: CodeFor(
        Words("注销您的账户，注销后无法恢复", "to permanently delete your account"),
        Words("注销账户", "deleting the account"),
        grave=True,
    ),
    Channel.VERIFY_EMAIL_LINK: CodeFor(
        Words("验证您账户的邮箱", "to verify your account's e-mail address"),
        Words("验证邮箱", "verifying the e-mail address"),
    ),
    Channel.UPDATE_EMAIL: CodeFor(
        Words("将本邮箱设为您账户的新邮箱", "to make this your account's new e-mail address"),
        Words("更换邮箱", "changing the e-mail address"),
    ),
    Channel.BIND_EMAIL: CodeFor(
        Words("将本邮箱绑定到您的账户", "to add this e-mail address to your account"),
        Words("绑定邮箱", "new e-mail address"),
    ),
    Channel.UNBIND_EMAIL: CodeFor(
        Words("从您的账户解绑本邮箱", "to remove this e-mail address from your account"),
        Words("解绑邮箱", "removing the e-mail address"),
        grave=True,
    ),
    Channel.UNLOCK_ACCOUNT: CodeFor(
        Words("解锁您的账户", "to unlock your account"),
        Words("解锁账户", "unlocking the account"),
        grave=True,
    ),
    Channel.COMPLETE_EMAIL: CodeFor(
        Words("为您的账户补充邮箱", "to add your e-mail address and finish signing up"),
        Words("补充邮箱", "adding an e-mail address"),
    ),
}

AT_THE_OLD: Final[Mapping[Channel, CodeFor]] = {
    Channel.UPDATE_EMAIL: CodeFor(
        Words("更换您账户的邮箱", "to change your account's e-mail address"),
        CODES[Channel.UPDATE_EMAIL].topic,
        grave=True,
    ),
}
"""What a code says at the contact that the account has, where one channel serves both sides of a change."""

TO_CHANGE: Final[Mapping[Channel, Words]] = {
    Channel.UNBIND_PHONE: Words("将手机号更换为 {new_contact}", "to change your number to {new_contact}"),
    Channel.UPDATE_EMAIL: Words(
        "将账户邮箱更换为 {new_contact}", "to change your account's e-mail address to {new_contact}"
    ),
}
"""For the old contact, where the caller has a live code at the new one."""

CODE_SMS: Final = Words(
    "验证码 {code}，用于{purpose}，{minutes} 分钟内有效。{care}",
    "{code} is your code {purpose}. Valid for {minutes} {unit}. {care}",
)
CODE_MAIL: Final = Words(
    "您在 {host} 的验证码：\n\n{code}\n\n用于{purpose}，{minutes} 分钟内有效。\n\n{care}",
    "Your code at {host}:\n\n{code}\n\nUse it {purpose}. It is valid for {minutes} {unit}.\n\n{care}",
)
LINK_MAIL: Final = Words(
    "请验证您在 {host} 的账户的邮箱：打开下面的页面，按其中的按钮。\n\n{link}\n\n"
    "链接 {minutes} 分钟内有效，只能使用一次。\n\n"
    "如果您没有在 {host} 注册账户，那么是他人用您的邮箱注册并设置了密码：请勿按该按钮，"
    "否则对方仍可用其密码登录。不按则一切不变，无需其他操作。",
    "To verify the e-mail address of your account at {host}, open this page and press the button there:\n\n{link}\n\n"
    "The link works once, within {minutes} minutes.\n\n"
    "If you did not create an account at {host}, someone else used your address with a password of theirs."
    " Do not press the button: they could still sign in with that password. If you ignore this e-mail, nothing"
    " changes.",
)
LINK_SUBJECT: Final = Words("请验证您在 {host} 的邮箱", "Verify your e-mail address at {host}")
LINK_BUTTON: Final = Words("打开验证页面", "Open the page")
CODE_SUBJECT: Final = Words("{host} 验证码：{topic}", "{host}: your code ({topic})")
CARE: Final = Words("请勿告诉任何人。", "Don't share it with anyone.")
CARE_GRAVE: Final = Words(
    "请勿告诉任何人；若非本人操作，请尽快修改密码。",
    "Don't share it with anyone. Not you? Change your password.",
)

NO_NUMBER: Final = Words("（无）", "(none)")
UNKNOWN_DEVICE: Final = Words("未知设备", "an unknown device")
FROM_DEVICE: Final = Words("{device}", "from {device}")
BY_ADMINISTRATOR: Final = Words("管理员", "by an administrator")
BY_DELETION: Final = Words("账户注销", "by deletion of the account")

_IF_NOT_YOU_SMS: Final = Words(
    "若非本人操作，请立即登录修改密码，或联系 {host} 管理员。",
    "Not you? Sign in and change your password now, or contact {host}.",
)
_IF_NOT_YOURS_SMS: Final = Words(
    "若非本人操作，请联系 {host} 管理员。",
    "Not you? Contact {host}.",
)
"""For the new number: a stranger who holds it has no account there to sign in to."""
_IF_NOT_YOU_EMAIL: Final = Words(
    "如果是您本人操作，无需理会本邮件。\n"
    "如果不是您：请立即登录并修改密码，然后把手机号改回；无法登录时，请联系 {host} 的管理员，"
    "并说明上面的时间。\n"
    "我们不会向您索要密码或验证码。",
    "If this was you, you don't need to do anything.\n"
    "If it was not you, sign in now, change your password, and then change the number back. If you can't sign in,"
    " contact the administrators of {host} and tell them the time above.\n"
    "We will never ask you for a password or a code.",
)
_IF_NOT_YOU_ADDRESS: Final = Words(
    _IF_NOT_YOU_EMAIL.zh.replace("手机号", "邮箱"), _IF_NOT_YOU_EMAIL.en.replace("the number", "the address")
)
_IF_NOT_YOURS_EMAIL: Final = Words(
    "如果不是您本人操作，请联系 {host} 的管理员，并说明上面的时间。",
    "If it was not you, contact the administrators of {host} and tell them the time above.",
)
"""For the new address: a stranger who reads it has no account there to sign in to."""
_CHANGED_FACTS: Final = Words(
    "时间：{at}\n原号码：{old}\n新号码：{new}\n操作设备：{source}",
    "When: {at}\nOld number: {old}\nNew number: {new}\nHow: {source}",
)
_ADDRESS_FACTS: Final = Words(
    "时间：{at}\n原邮箱：{old}\n新邮箱：{new}\n操作设备：{source}",
    "When: {at}\nOld address: {old}\nNew address: {new}\nHow: {source}",
)
_GUESSES_SAFE: Final = Words(
    "若非本人操作，请勿泄露验证码，并尽快修改密码。",
    "Not you? Don't share any codes, and change your password.",
)
_PASSWORD_SAFE: Final = Words(
    "若非本人操作，请立即重置密码，或联系 {host} 管理员。",
    "Not you? Reset your password now, or contact {host}.",
)


def _both(*parts: Words, between: str = "") -> Words:
    return Words(between.join(part.zh for part in parts), (between or " ").join(part.en for part in parts))


def _mail(first: Words, facts: Words = _CHANGED_FACTS, last: Words = _IF_NOT_YOU_EMAIL) -> Words:
    return _both(first, facts, last, between="\n\n")


FACTORS: Final[Mapping[str, Words]] = {
    "OTP": Words("验证器应用", "the authenticator app"),
    "SMS": Words("短信验证码", "codes by SMS"),
    "EMAIL": Words("邮件验证码", "codes by e-mail"),
}
"""Kinds of second factors, as notices name them."""

SUBJECTS: Final[Mapping[str, Words]] = {
    "phone_changed": Words("您账户的手机号已更换", "Your phone number was changed"),
    "phone_bound": Words("您的账户已绑定手机号", "A phone number was added to your account"),
    "phone_unbound": Words("您账户的手机号已解绑", "The phone number was removed from your account"),
    "factor_enrolled": Words("您的账户已开启两步验证", "Two-step verification was turned on"),
    "factor_removed": Words("您的账户已关闭一种两步验证", "A two-step verification method was turned off"),
    "recovery_code_used": Words("您的恢复代码已被使用", "Your recovery code was used"),
    "email_changed": Words("您账户的邮箱已更换", "Your e-mail address was changed"),
    "email_bound": Words("您的账户已绑定邮箱", "An e-mail address was added to your account"),
    "email_unbound": Words("您账户的邮箱已解绑", "The e-mail address was removed from your account"),
    "password_changed": Words("您账户的密码已修改", "Your password was changed"),
    "password_reset": Words("您账户的密码已重置", "Your password was reset"),
    "guesses_half": Words("有人多次输错您的验证码", "Wrong codes were entered for your account"),
    "guesses_all": Words("验证码输错次数已用完", "Too many wrong codes were entered for your account"),
}
"""One per notice; the keys are all the notices there are."""

NOTICES: Final[Mapping[tuple[str, Audience | None], Words]] = {
    ("phone_changed", "old"): _both(
        Words(
            "您的手机号已由 {old} 更换为 {new}（{at}，来自 {source}），原号码不能再登录。",
            "The phone number of your account was changed from this one, {old}, to {new} on {at}"
            " {source}. You can no longer sign in with this number.",
        ),
        _IF_NOT_YOU_SMS,
    ),
    ("phone_changed", "new"): _both(
        Words(
            "本号码 {new} 已成为您账户的手机号（原号码 {old}），时间 {at}，来自 {source}。",
            "This number, {new}, is now the phone number of your account (previously {old}). Changed on {at}"
            " {source}.",
        ),
        _IF_NOT_YOURS_SMS,
    ),
    ("phone_changed", "email"): _mail(
        Words("您在 {host} 的账户更换了手机号。", "The phone number of your account at {host} was changed.")
    ),
    ("phone_bound", "new"): _both(
        Words(
            "本号码 {new} 已绑定到您的账户，时间 {at}，来自 {source}。",
            "This number, {new}, was added to your account on {at} {source}.",
        ),
        _IF_NOT_YOURS_SMS,
    ),
    ("phone_bound", "email"): _mail(
        Words("您在 {host} 的账户绑定了手机号。", "A phone number was added to your account at {host}.")
    ),
    ("phone_unbound", "old"): _both(
        Words(
            "本号码 {old} 已从您的账户解绑，时间 {at}，来自 {source}。本号码不能再登录。",
            "This number, {old}, was removed from your account on {at} {source}. You can no"
            " longer sign in with it.",
        ),
        _IF_NOT_YOU_SMS,
    ),
    ("phone_unbound", "email"): _mail(
        Words(
            "您在 {host} 的账户解绑了手机号。",
            "The phone number was removed from your account at {host}.",
        )
    ),
    ("factor_enrolled", None): _both(
        Words(
            "您在 {host} 的账户已开启两步验证：{factor}（{at}，来自 {source}）。",
            "Two-step verification with {factor} was turned on for your account at {host} on {at} {source}.",
        ),
        _IF_NOT_YOU_SMS,
    ),
    ("factor_removed", None): _both(
        Words(
            "您在 {host} 的账户已关闭两步验证方式：{factor}（{at}，来自 {source}）。",
            "Two-step verification with {factor} was turned off for your account at {host} on {at} {source}.",
        ),
        _IF_NOT_YOU_SMS,
    ),
    ("recovery_code_used", None): _both(
        Words(
            "有人用恢复代码登录了您在 {host} 的账户，{factor}随之解绑（{at}，来自 {source}）。请重新绑定。",
            "The recovery code of your account at {host} was used on {at} {source}, which turned off {factor}."
            " Please set it up again.",
        ),
        _IF_NOT_YOU_SMS,
    ),
    ("email_changed", "old"): _mail(
        Words(
            "您在 {host} 的账户更换了邮箱，本邮箱不能再登录。",
            "The e-mail address of your account at {host} was changed from this one. You can no longer"
            " sign in with it.",
        ),
        _ADDRESS_FACTS,
        _IF_NOT_YOU_ADDRESS,
    ),
    ("email_changed", "new"): _mail(
        Words(
            "本邮箱已成为您在 {host} 的账户的邮箱。",
            "This is now the e-mail address of your account at {host}.",
        ),
        _ADDRESS_FACTS,
        _IF_NOT_YOURS_EMAIL,
    ),
    ("email_changed", "phone"): _both(
        Words(
            "您账户的邮箱已由 {old} 更换为 {new}（{at}，来自 {source}）。",
            "The e-mail address of your account was changed from {old} to {new} on {at} {source}.",
        ),
        _IF_NOT_YOU_SMS,
    ),
    ("email_bound", "new"): _mail(
        Words(
            "本邮箱已绑定到您在 {host} 的账户。", "This e-mail address was added to your account at {host}."
        ),
        _ADDRESS_FACTS,
        _IF_NOT_YOURS_EMAIL,
    ),
    ("email_bound", "phone"): _both(
        Words(
            "您的账户已绑定邮箱 {new}（{at}，来自 {source}）。",
            "The e-mail address {new} was added to your account on {at} {source}.",
        ),
        _IF_NOT_YOU_SMS,
    ),
    ("email_unbound", "old"): _mail(
        Words(
            "本邮箱已从您在 {host} 的账户解绑，不能再登录。",
            "This e-mail address was removed from your account at {host}. You can no longer sign in with it.",
        ),
        _ADDRESS_FACTS,
        _IF_NOT_YOU_ADDRESS,
    ),
    ("email_unbound", "phone"): _both(
        Words(
            "您账户的邮箱 {old} 已解绑（{at}，来自 {source}）。",
            "The e-mail address {old} was removed from your account on {at} {source}.",
        ),
        _IF_NOT_YOU_SMS,
    ),
    ("password_changed", None): _both(
        Words(
            "您在 {host} 的账户修改了密码（{at}，来自 {source}）。",
            "The password of your account at {host} was changed on {at} {source}.",
        ),
        _PASSWORD_SAFE,
    ),
    ("password_reset", None): _both(
        Words(
            "您在 {host} 的账户通过验证码重置了密码（{at}，来自 {source}），所有设备均已退出登录。",
            "The password of your account at {host} was reset with a code on {at} {source}."
            " All devices were signed out.",
        ),
        _PASSWORD_SAFE,
    ),
    ("guesses_half", None): _both(
        Words(
            "您在 {host} 的账户（{topic}）24 小时内可输错验证码的次数已用去一半（{at}，来自 {source}）。",
            "Half of the wrong codes allowed in 24 hours were entered for your account at {host} ({topic}),"
            " the last one on {at} {source}.",
        ),
        _GUESSES_SAFE,
    ),
    ("guesses_all", None): _both(
        Words(
            "您在 {host} 的账户（{topic}）24 小时内可输错验证码的次数已用完（{at}，来自 {source}）。"
            "此类验证码暂停受理，最长 24 小时。",
            "All wrong codes allowed in 24 hours were entered for your account at {host} ({topic}), the last"
            " one on {at} {source}. Such codes are not accepted for up to 24 hours.",
        ),
        _GUESSES_SAFE,
    ),
}
"""Notice and audience (None: whoever it is) → text. `{source}` is how it was done: from a device, or by whom else."""
