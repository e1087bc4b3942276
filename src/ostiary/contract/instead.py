"""Sentences for what this service does not do: why not in a clause, and what to use instead.

Each ends an answer 501 (`contract/unserved.py`), so it is written for the person who reads a log at night.
"""

from dataclasses import dataclass

from ostiary.contract.error_row import Lang


@dataclass(frozen=True, slots=True)
class Instead:
    """One sentence in both languages."""

    zh: str
    en: str

    def sentence(self, lang: Lang) -> str:
        """In the caller's language."""
        return self.zh if lang == "zh-CN" else self.en


SOCIAL = Instead(
    "本服务不提供第三方账号登录与绑定：请用密码或验证码登录（signin），或由您的后端验证第三方身份后用 create-user 的 externalId 关联用户",
    "Sign-in with third-party accounts is not supported: sign in with a password or a code (signin), or "
    "have your backend verify the third-party identity and store its ID as externalId (create-user)",
)
DIRECTORY = Instead(
    "本服务不连接 LDAP 或 AD 目录：请用 `ostiary users import` 导入用户，然后用密码或验证码登录（connection=PASSWORD 或 PASSCODE）",
    "LDAP and Active Directory are not supported: import the users with `ostiary users import`, and sign "
    "in with connection PASSWORD or PASSCODE",
)
WECHAT = Instead(
    "本服务不代理微信接口：请由您的后端直接调用微信，再用手机号验证码登录（signin 的 PASSCODE）",
    "WeChat sign-in is not supported: call WeChat from your backend, and sign users in with a code sent "
    "to their phone (signin with PASSCODE)",
)
SCAN = Instead(
    "本服务不提供扫码与推送登录：请用验证码登录（send-sms 或 send-email，然后 signin 的 PASSCODE）",
    "Sign-in by QR code or push is not supported: use a code instead (send-sms or send-email, then signin "
    "with PASSCODE)",
)
SWITCH = Instead(
    "本服务没有公共账号，也不能切换账号：请让每个人用自己的账号登录（signin），共享的权限用角色或分组表达",
    "Shared accounts and switching accounts are not supported: have everyone sign in with their own "
    "account (signin), and grant shared permissions through roles or groups",
)
WEBAUTHN = Instead(
    "本服务尚不提供 WebAuthn：请用密码或验证码登录（signin），并以 TOTP 作为第二因素（enroll-factor）",
    "WebAuthn is not supported yet: sign in with a password or a code (signin), with TOTP as the second "
    "factor (enroll-factor)",
)
DATA_PERMISSION = Instead(
    "本服务没有数据权限策略：请读取用户的角色（get-my-role-list），在您的程序中判断",
    "Data permission policies are not supported: read the user's roles (get-my-role-list) and decide in "
    "your application",
)
RESOURCE = Instead(
    "本服务不管理资源与授权：请用角色或分组表达权限（assign-role、add-group-members），在您的程序中判断",
    "Resources and authorizations are not managed here: express permissions as roles or groups "
    "(assign-role, add-group-members) and decide in your application",
)
NAMESPACE = Instead(
    "角色与分组不分权限空间：请省略 namespace，或把它写进编码（如 shop-admin）",
    "Roles and groups are not divided into permission spaces: omit namespace, or make it part of the code "
    "(for example shop-admin)",
)
EVENTS = Instead(
    "本服务没有事件总线：请轮询 list-audit-events",
    "There is no event bus: poll list-audit-events",
)
CAS = Instead(
    "本服务不支持 CAS：请使用 OpenID Connect，并用 /oidc/me 或 introspect_token_offline 验证令牌",
    "CAS is not supported: use OpenID Connect, and verify tokens with /oidc/me or introspect_token_offline",
)
CODE_FLOW = Instead(
    "本服务尚无登录页面与授权码流程：请在您自己的页面中用 signin 登录，令牌直接返回",
    "There is no hosted sign-in page and no authorization code flow yet: sign in with signin from your "
    "own page, which receives the tokens directly",
)
LOGOUT = Instead(
    "本服务没有浏览器会话可结束：请撤销令牌（revoke_token），并在您的页面中删除它们",
    "There is no browser session to end: revoke the tokens (revoke_token) and delete them in your page",
)
SOON_ROLES = Instead(
    "此版本不提供：请用角色与分组的单个接口（create-role、assign-role、create-group、add-group-members、get-user-roles）",
    "This version does not support it: use the basic role and group operations (create-role, assign-role, "
    "create-group, add-group-members, get-user-roles)",
)
TENANTS = Instead(
    "一个用户池没有租户：请为每个租户部署一套（`ostiary init`），或用分组表达（create-group）",
    "A user pool has no tenants: set up a separate installation for each (`ostiary init`), or model them "
    "as groups (create-group)",
)
DEPARTMENTS = Instead(
    "本服务没有组织与部门：请用分组表达（create-group、add-group-members）",
    "Organizations and departments are not supported: model them as groups (create-group, add-group-members)",
)
METADATA = Instead(
    "本服务没有自定义数据模型：请用用户的 customData（update-user），其他数据放在您自己的数据库",
    "Custom data models are not supported: use the user's customData (update-user), and keep other data "
    "in your own database",
)
DEVICES = Instead(
    "管理端不管理设备：停用用户（update-user 的 status）会结束其所有会话",
    "Administrators can't manage devices: setting a user's status to anything but Activated (update-user) "
    "ends all of their sessions",
)
USER_DETAILS = Instead(
    "此版本尚不提供：请用 get-user、list-users 与 update-user，登录与改动记录在 list-audit-events",
    "This version does not support it: use get-user, list-users and update-user; sign-ins and changes are "
    "recorded in list-audit-events",
)
BATCHES = Instead(
    "此版本不提供该批量接口：请逐个调用对应的单个接口；大量用户请用 `ostiary users import`",
    "This batch operation is not supported: call the single-item operation for each item; to import many "
    "users, use `ostiary users import`",
)
SECRETS = Instead(
    "密码与一次性密码的密钥从不离开本服务：请用 update-user 设置新密码，或让用户自行重新绑定",
    "Passwords and the secrets of second factors never leave this service: set a new password with "
    "update-user, or have the user enroll again",
)
FIELDS = Instead(
    "此版本不提供该字段接口：请在 create-user 与 update-user 中使用 customData",
    "This version does not support it: use customData in create-user and update-user",
)
LOGS = Instead(
    "请用 list-audit-events，它含有管理员与用户的操作记录",
    "Use list-audit-events: it records the actions of administrators and users",
)
MESSAGE_SETTINGS = Instead(
    "邮件与短信的发送由运营者配置（ostiary.toml），文本随版本提供：请用 list-messages 查看发送情况",
    "Sending e-mail and SMS is configured by the operator (ostiary.toml), and the texts are built in: use "
    "list-messages to see what was sent",
)
APP_SETTINGS = Instead(
    "此版本不提供该应用设置：应用的可设项见 create-application 与 `ostiary settings`，安全设置见 update-security-settings",
    "This version does not support it: for an application's settings see create-application and `ostiary "
    "settings`, for security settings update-security-settings",
)
MFA_SETTINGS = Instead(
    "请用 update-security-settings 的 enabledFactors 设定可用的第二因素",
    "Set the available second factors with enabledFactors in update-security-settings",
)
ASA = Instead(
    "本服务不保管其他系统的账号密码：请使用专门的密码库",
    "Passwords of other systems are not stored here: use a dedicated password vault",
)
BILLING = Instead(
    "自托管没有套餐与订单：用量请看 /metrics",
    "A self-hosted service has no plans or orders: for usage see /metrics",
)
LISTS = Instead(
    "此版本没有名单：请用 update-security-settings 的 registerDisabled 与 allowedCountries 限制注册和短信，或在网关上过滤地址",
    "This version has no allow or deny lists: restrict sign-up and messages with registerDisabled and "
    "allowedCountries (update-security-settings), or filter addresses at your gateway",
)
PIPELINES = Instead(
    "本服务不在内部运行您的代码，也不推送回调：请轮询 list-audit-events",
    "Custom code and webhooks are not supported: poll list-audit-events",
)
LDAP_SERVER = Instead(
    "本服务不是 LDAP 服务器：请用 OpenID Connect，或用 list-users 读取用户",
    "This is not an LDAP server: use OpenID Connect, or read users with list-users",
)
ACCESS_KEYS = Instead(
    "访问密钥不能经接口管理：请使用 `ostiary init` 生成的那一个",
    "Access keys can't be managed through the API: use the one created by `ostiary init`",
)
ADMINS = Instead(
    "没有管理员角色：管理由访问密钥完成（get-management-token）",
    "There are no administrator roles: administration uses an access key (get-management-token)",
)
RESET_PASSWORD = Instead(
    "修改密码不接受重置凭证：请调用 reset-password",
    "A password reset token is not accepted here: use it with reset-password",
)
