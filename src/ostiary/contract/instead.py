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
    "Accounts of other providers are not served: sign in with a password or a code (signin), or let your backend "
    "check the provider and keep its id as externalId (create-user)",
)
DIRECTORY = Instead(
    "本服务不连接 LDAP 或 AD 目录：请用 `ostiary users import` 导入用户，然后用密码或验证码登录（connection=PASSWORD 或 PASSCODE）",
    "No LDAP or AD directory is asked: bring its users in with `ostiary users import`, and sign in with "
    "connection PASSWORD or PASSCODE",
)
WECHAT = Instead(
    "本服务不代理微信接口：请由您的后端直接调用微信，再用手机号验证码登录（signin 的 PASSCODE）",
    "WeChat is not spoken here: call it from your backend, and sign people in by a code to their phone "
    "(signin with PASSCODE)",
)
SCAN = Instead(
    "本服务不提供扫码与推送登录：请用验证码登录（send-sms 或 send-email，然后 signin 的 PASSCODE）",
    "Signing in by QR code or push is not served: use a code instead (send-sms or send-email, then signin with "
    "PASSCODE)",
)
SWITCH = Instead(
    "本服务没有公共账号，也不能切换账号：请让每个人用自己的账号登录（signin），共享的权限用角色或分组表达",
    "There are no shared accounts to switch to: let everybody sign in as themselves (signin), and give what is "
    "shared to a role or a group",
)
WEBAUTHN = Instead(
    "本服务尚不提供 WebAuthn：请用密码或验证码登录（signin），并以 TOTP 作为第二因素（enroll-factor）",
    "WebAuthn is not served yet: sign in with a password or a code (signin), with TOTP as the second factor "
    "(enroll-factor)",
)
DATA_PERMISSION = Instead(
    "本服务没有数据权限策略：请读取用户的角色（get-my-role-list），在您的程序中判断",
    "There are no data policies: read the user's roles (get-my-role-list), and decide in your program",
)
RESOURCE = Instead(
    "本服务不管理资源与授权：请用角色或分组表达权限（assign-role、add-group-members），在您的程序中判断",
    "Resources and authorizations are not kept here: express permissions as roles or groups (assign-role, "
    "add-group-members), and decide in your program",
)
NAMESPACE = Instead(
    "角色与分组不分权限空间：请省略 namespace，或把它写进编码（如 shop-admin）",
    "Roles have no permission spaces: leave namespace out, or write it into the code (shop-admin)",
)
EVENTS = Instead(
    "本服务没有事件总线：请轮询 list-audit-events",
    "There is no event bus: poll list-audit-events",
)
CAS = Instead(
    "本服务不支持 CAS：请使用 OpenID Connect，并用 /oidc/me 或 introspect_token_offline 验证令牌",
    "CAS is not spoken: use OpenID Connect, and check tokens with /oidc/me or introspect_token_offline",
)
CODE_FLOW = Instead(
    "本服务尚无登录页面与授权码流程：请在您自己的页面中用 signin 登录，令牌直接返回",
    "There is no sign-in page and no authorization code yet: sign in from a page of your own with signin, which "
    "answers the tokens",
)
LOGOUT = Instead(
    "本服务没有浏览器会话可结束：请撤销令牌（revoke_token），并在您的页面中删除它们",
    "There is no browser session to end: revoke the tokens (revoke_token) and forget them in your page",
)
SOON_ROLES = Instead(
    "此版本不提供：请用角色与分组的单个接口（create-role、assign-role、create-group、add-group-members、get-user-roles）",
    "This version does not serve it: use its plain siblings (create-role, assign-role, create-group, "
    "add-group-members, get-user-roles)",
)
TENANTS = Instead(
    "一个用户池没有租户：请为每个租户部署一套（`ostiary init`），或用分组表达（create-group）",
    "A pool has no tenants: give each its own installation (`ostiary init`), or express it as a group (create-group)",
)
DEPARTMENTS = Instead(
    "本服务没有组织与部门：请用分组表达（create-group、add-group-members）",
    "There are no organizations or departments: express them as groups (create-group, add-group-members)",
)
METADATA = Instead(
    "本服务没有自定义数据模型：请用用户的 customData（update-user），其他数据放在您自己的数据库",
    "There are no data models of your own: use the user's customData (update-user), and keep other data in a "
    "database of yours",
)
DEVICES = Instead(
    "管理端不管理设备：停用用户（update-user 的 status）会结束其所有会话",
    "Devices are not managed here: any status but Activated (update-user) ends all of a user's sessions",
)
USER_DETAILS = Instead(
    "此版本尚不提供：请用 get-user、list-users 与 update-user，登录与改动记录在 list-audit-events",
    "This version does not serve it: use get-user, list-users and update-user; sign-ins and changes are in "
    "list-audit-events",
)
BATCHES = Instead(
    "此版本不提供该批量接口：请逐个调用对应的单个接口；大量用户请用 `ostiary users import`",
    "This batch is not served: call its single sibling for each; for many users there is `ostiary users import`",
)
SECRETS = Instead(
    "密码与一次性密码的密钥从不离开本服务：请用 update-user 设置新密码，或让用户自行重新绑定",
    "Passwords and secrets of factors never leave this service: set a new password with update-user, or have the "
    "user enroll again",
)
FIELDS = Instead(
    "此版本不提供该字段接口：请在 create-user 与 update-user 中使用 customData",
    "This version does not serve it: use customData in create-user and update-user",
)
LOGS = Instead(
    "请用 list-audit-events，它含有管理员与用户的操作记录",
    "Use list-audit-events: it holds what administrators and users did",
)
MESSAGE_SETTINGS = Instead(
    "邮件与短信的发送由运营者配置（ostiary.toml），文本随版本提供：请用 list-messages 查看发送情况",
    "Senders are set up by the operator (ostiary.toml), and texts come with the version: see list-messages for "
    "what was sent",
)
APP_SETTINGS = Instead(
    "此版本不提供该应用设置：应用的可设项见 create-application 与 `ostiary settings`，安全设置见 update-security-settings",
    "This version does not serve it: an application has the settings of create-application and `ostiary settings`, "
    "the pool those of update-security-settings",
)
MFA_SETTINGS = Instead(
    "请用 update-security-settings 的 enabledFactors 设定可用的第二因素",
    "Say which second factors a pool has with enabledFactors in update-security-settings",
)
ASA = Instead(
    "本服务不保管其他系统的账号密码：请使用专门的密码库",
    "Passwords of other systems are not kept here: use a vault made for them",
)
BILLING = Instead(
    "自托管没有套餐与订单：用量请看 /metrics",
    "Self-hosted, there are no plans and no orders: for use see /metrics",
)
LISTS = Instead(
    "此版本没有名单：请用 update-security-settings 的 registerDisabled 与 allowedCountries 限制注册和短信，或在网关上过滤地址",
    "There are no lists: limit sign-up and messages with registerDisabled and allowedCountries "
    "(update-security-settings), or filter addresses at your gateway",
)
PIPELINES = Instead(
    "本服务不在内部运行您的代码，也不推送回调：请轮询 list-audit-events",
    "Nobody's code runs inside and no callback leaves: poll list-audit-events",
)
LDAP_SERVER = Instead(
    "本服务不是 LDAP 服务器：请用 OpenID Connect，或用 list-users 读取用户",
    "This is no LDAP server: use OpenID Connect, or read users with list-users",
)
ACCESS_KEYS = Instead(
    "访问密钥不能经接口管理：请使用 `ostiary init` 生成的那一个",
    "Access keys can't be managed over the wire: use the one that `ostiary init` made",
)
ADMINS = Instead(
    "没有管理员角色：管理由访问密钥完成（get-management-token）",
    "There are no administrator roles: managing is done with an access key (get-management-token)",
)
RESET_PASSWORD = Instead(
    "修改密码不接受重置凭证：请调用 reset-password",
    "A reset token is not taken here: spend it with reset-password",
)
