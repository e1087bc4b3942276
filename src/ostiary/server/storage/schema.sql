-- The tables, once, for both databases. `storage/migrate.py` fills in the words that differ:
--   {int}   INTEGER | BIGINT          {blob}  BLOB | BYTEA
--   {strict} STRICT | (nothing)       {keyed} STRICT, WITHOUT ROWID | (nothing)
-- Moments are milliseconds UTC; ids are sortable text; JSON is text that only we read; flags are 0 and 1.

CREATE TABLE meta (
    name        TEXT PRIMARY KEY,
    value       TEXT NOT NULL
) {keyed};

CREATE TABLE pools (
    id              TEXT PRIMARY KEY,
    name            TEXT NOT NULL,
    country_code    TEXT NOT NULL,              -- "+86": what a number without a code means
    locale          TEXT NOT NULL,
    policy          TEXT NOT NULL,              -- core/policy.PoolPolicy as JSON
    made_at         {int} NOT NULL
) {keyed};

CREATE TABLE apps (
    id              TEXT PRIMARY KEY,
    pool_id         TEXT NOT NULL REFERENCES pools (id),
    name            TEXT NOT NULL,
    secret          {blob} NOT NULL,            -- sealed under a root key
    policy          TEXT NOT NULL,              -- core/policy.AppPolicy as JSON
    made_at         {int} NOT NULL
) {keyed};
CREATE INDEX apps_of_pool ON apps (pool_id, made_at);

CREATE TABLE access_keys (
    id              TEXT PRIMARY KEY,
    pool_id         TEXT NOT NULL REFERENCES pools (id),
    secret_hash     TEXT NOT NULL,              -- SHA-256 of 256 random bits
    made_at         {int} NOT NULL
) {keyed};

CREATE TABLE users (
    id              TEXT PRIMARY KEY,           -- 24 hex digits, never reused
    pool_id         TEXT NOT NULL REFERENCES pools (id),
    status          TEXT NOT NULL,              -- Activated, Suspended, Resigned, Archived, Deactivated
    username        TEXT,
    username_key    TEXT,                       -- NFKC, case folded: what is unique
    password_hash   TEXT,
    password_set_at {int},
    session_epoch   {int} NOT NULL DEFAULT 0,   -- a session of an older epoch is dead
    phone_version   {int} NOT NULL DEFAULT 0,   -- raised however the number changes
    email_version   {int} NOT NULL DEFAULT 0,   -- and where an administrator takes an address' proof back
    external_id     TEXT,
    locale          TEXT,
    profile         TEXT NOT NULL,              -- name, nickname, photo, gender … as JSON
    custom_data     TEXT NOT NULL,
    source          TEXT NOT NULL,              -- register, adminCreated, excel
    logins_count    {int} NOT NULL DEFAULT 0,
    last_login_at   {int},
    last_login_app  TEXT,
    last_ip         TEXT,
    made_at         {int} NOT NULL,
    changed_at      {int} NOT NULL
) {keyed};
CREATE UNIQUE INDEX users_by_username ON users (pool_id, username_key) WHERE username_key IS NOT NULL;
CREATE UNIQUE INDEX users_by_external_id ON users (pool_id, external_id) WHERE external_id IS NOT NULL;
CREATE INDEX users_of_pool ON users (pool_id, made_at, id);

-- What users' custom data may hold, as the pool defines it.
CREATE TABLE custom_fields (
    pool_id         TEXT NOT NULL REFERENCES pools (id),
    target          TEXT NOT NULL,              -- USER
    key             TEXT NOT NULL,
    definition      TEXT NOT NULL,              -- core/custom_field.CustomField as JSON
    made_at         {int} NOT NULL,
    PRIMARY KEY (pool_id, target, key)
) {keyed};

-- Roles and groups: circles of users, each with a code that is its own in the pool.
CREATE TABLE circles (
    id              TEXT PRIMARY KEY,
    pool_id         TEXT NOT NULL REFERENCES pools (id),
    kind            TEXT NOT NULL,              -- role, group
    code            TEXT NOT NULL,
    name            TEXT NOT NULL,
    description     TEXT NOT NULL,
    type            TEXT NOT NULL,              -- a group's, in its maker's words
    enabled         {int} NOT NULL,             -- 0: the role is nobody's
    disable_at      {int},                      -- from this moment on as if it were not enabled
    made_at         {int} NOT NULL
) {keyed};
CREATE UNIQUE INDEX circles_by_code ON circles (pool_id, kind, code);
CREATE INDEX circles_of_pool ON circles (pool_id, kind, made_at, id);

CREATE TABLE memberships (
    circle_id       TEXT NOT NULL,
    user_id         TEXT NOT NULL,
    pool_id         TEXT NOT NULL,
    starts_at       {int} NOT NULL,
    ends_at         {int},
    made_at         {int} NOT NULL,
    PRIMARY KEY (circle_id, user_id)
) {keyed};
CREATE INDEX memberships_of_circle ON memberships (circle_id, made_at, user_id);
CREATE INDEX memberships_of_user ON memberships (user_id);

-- How many users a pool has, in 16 rows that sign-ups share: counting a million rows takes too long for a list.
CREATE TABLE user_counts (
    pool_id         TEXT NOT NULL,
    shard           TEXT NOT NULL,              -- the last digit of the users' ids
    users           {int} NOT NULL,
    PRIMARY KEY (pool_id, shard)
) {keyed};

-- A number that stands here, verified or not, is not free. One number, one account; one account, one number.
CREATE TABLE phones (
    pool_id         TEXT NOT NULL,
    number          TEXT NOT NULL,              -- E.164
    user_id         TEXT NOT NULL,
    verified        {int} NOT NULL,
    version         {int} NOT NULL,             -- users.phone_version when it was set
    set_at          {int} NOT NULL,
    PRIMARY KEY (pool_id, number)
) {keyed};
CREATE INDEX phone_of_user ON phones (user_id, verified);      -- SQLite's hold the key, too: the look ends there

CREATE TABLE emails (
    pool_id         TEXT NOT NULL,
    address         TEXT NOT NULL,              -- as core.credentials.read_email spells it
    user_id         TEXT NOT NULL,
    verified        {int} NOT NULL,
    version         {int} NOT NULL,
    set_at          {int} NOT NULL,
    PRIMARY KEY (pool_id, address)
) {keyed};
CREATE INDEX email_of_user ON emails (user_id, verified);

CREATE TABLE sessions (
    id              TEXT PRIMARY KEY,
    pool_id         TEXT NOT NULL,
    user_id         TEXT NOT NULL,
    app_id          TEXT NOT NULL,
    epoch           {int} NOT NULL,             -- users.session_epoch when the credential was checked
    scope           TEXT NOT NULL,
    methods         TEXT NOT NULL,              -- how it was signed in: "pwd", "sms", later "otp" …, space separated
    address         TEXT NOT NULL,
    device          TEXT NOT NULL,
    opened_at       {int} NOT NULL,
    checked_at      {int} NOT NULL,             -- the last credential check: what step-up looks at
    ends_at         {int} NOT NULL,
    ended_at        {int}
) {keyed};
CREATE INDEX sessions_of_user ON sessions (user_id, opened_at);
CREATE INDEX sessions_by_end ON sessions (ends_at);

CREATE TABLE refresh_tokens (
    hash            TEXT PRIMARY KEY,           -- SHA-256 of 256 random bits
    session_id      TEXT NOT NULL,              -- the family: all refreshes of one sign-in
    app_id          TEXT NOT NULL,
    made_at         {int} NOT NULL,
    ends_at         {int} NOT NULL,
    used_at         {int}
) {keyed};
CREATE INDEX refresh_tokens_of_session ON refresh_tokens (session_id);

-- Sign-ins that were: their owner's history and devices. A row outlives its session by `loginHistoryDays`.
CREATE TABLE logins (
    session_id      TEXT PRIMARY KEY,
    pool_id         TEXT NOT NULL,
    user_id         TEXT NOT NULL,
    app_id          TEXT NOT NULL,
    methods         TEXT NOT NULL,
    address         TEXT NOT NULL,
    user_agent      TEXT NOT NULL,
    device_id       TEXT NOT NULL,              -- the client's own word, else the session's id; '' = no more a device
    at              {int} NOT NULL,
    ends_at         {int} NOT NULL              -- when it may be forgotten: never before its session is over
) {keyed};
CREATE INDEX logins_of_user ON logins (user_id, at);
CREATE INDEX logins_by_end ON logins (ends_at);

-- One row per (pool, target, channel, owner): asking again finds it, a new code overwrites it.
CREATE TABLE codes (
    pool_id         TEXT NOT NULL,
    target          TEXT NOT NULL,              -- E.164 or address
    channel         TEXT NOT NULL,
    owner           TEXT NOT NULL,              -- the user's id, '' = nobody's
    seed            {blob} NOT NULL,            -- 128 random bits; with the key's help, the digits
    key_id          TEXT NOT NULL,
    length          {int} NOT NULL,
    max_wrong       {int} NOT NULL,
    wrong           {int} NOT NULL DEFAULT 0,
    made_at         {int} NOT NULL,
    ends_at         {int} NOT NULL,
    used_at         {int},
    void_at         {int},
    PRIMARY KEY (pool_id, target, channel, owner)
) {keyed};
CREATE INDEX codes_of_owner ON codes (owner, channel) WHERE owner <> '';
CREATE INDEX codes_by_end ON codes (ends_at);

-- Wrong guesses of the last 24 h, never refunded. subject: "user:<id>" or "number:<E.164>".
CREATE TABLE guess_counters (
    pool_id         TEXT NOT NULL,
    subject         TEXT NOT NULL,
    channel         TEXT NOT NULL,
    guesses         TEXT NOT NULL DEFAULT '[]', -- [[moment, session id, guess id], …] as JSON, oldest first
    row_wrong       {int} NOT NULL DEFAULT 0,   -- wrong guesses in a row
    shut_at         {int},                      -- sessions checked before this moment must sign in again
    told_half_at    {int},
    told_all_at     {int},
    version         {int} NOT NULL DEFAULT 0,
    ends_at         {int} NOT NULL DEFAULT 0,   -- when its last guess leaves the window
    PRIMARY KEY (pool_id, subject, channel)
) {keyed};
CREATE INDEX guess_counters_by_end ON guess_counters (ends_at) WHERE substr(subject, 1, 7) = 'number:';

-- Exact sending limits: one row a key, its last instants in it. Coarse ones: sums per minute.
CREATE TABLE send_limits (
    key             TEXT PRIMARY KEY,
    asks            TEXT NOT NULL DEFAULT '[]',
    version         {int} NOT NULL DEFAULT 0,
    ends_at         {int} NOT NULL DEFAULT 0    -- when the row says nothing any more
) {keyed};
CREATE INDEX send_limits_by_end ON send_limits (ends_at);

CREATE TABLE send_minutes (
    key             TEXT NOT NULL,
    minute          {int} NOT NULL,
    asks            {int} NOT NULL,
    PRIMARY KEY (key, minute)
) {keyed};
CREATE INDEX send_minutes_by_minute ON send_minutes (minute);

-- One per user and kind: a newer one overwrites it.
CREATE TABLE one_time_tokens (
    user_id         TEXT NOT NULL,
    kind            TEXT NOT NULL,
    pool_id         TEXT NOT NULL,
    mac             {blob} NOT NULL,
    key_id          TEXT NOT NULL,
    session_id      TEXT NOT NULL,              -- '' = granted to somebody who is not signed in
    app_id          TEXT NOT NULL,
    claims          TEXT NOT NULL,
    made_at         {int} NOT NULL,
    ends_at         {int} NOT NULL,
    used_at         {int},
    void_at         {int},
    done            {int} NOT NULL DEFAULT 0,   -- 1: what it was for was done with it
    PRIMARY KEY (user_id, kind)
) {keyed};
CREATE INDEX one_time_tokens_by_mac ON one_time_tokens (mac) WHERE session_id = '';

-- Second factors: one of a kind per user. `secret` is sealed; a number or address stands in `target`.
CREATE TABLE factors (
    user_id         TEXT NOT NULL,
    kind            TEXT NOT NULL,              -- OTP, SMS, EMAIL
    id              TEXT NOT NULL,              -- the wire's factorId
    pool_id         TEXT NOT NULL,
    target          TEXT NOT NULL,              -- E.164 or address; '' for OTP
    secret          {blob},                     -- OTP: the authenticator's secret, sealed under a root key
    key_id          TEXT NOT NULL,              -- the root key that sealed it; '' where nothing is sealed
    recovery        {blob},                     -- OTP: MAC of the recovery code under that secret
    last_step       {int} NOT NULL DEFAULT 0,   -- OTP: the time step of the last code that was accepted
    made_at         {int} NOT NULL,
    PRIMARY KEY (user_id, kind)
) {keyed};
CREATE INDEX factors_by_key ON factors (key_id) WHERE key_id <> '';

-- Messages stand beside the fact they tell of. A code is never in here: its seed is, and the key is not.
CREATE TABLE outbox (
    id              TEXT PRIMARY KEY,
    pool_id         TEXT NOT NULL,
    user_id         TEXT,
    medium          TEXT NOT NULL,              -- sms, email
    recipient       TEXT NOT NULL,
    purpose         TEXT NOT NULL,              -- a channel, or the name of a notice
    facts           TEXT NOT NULL,              -- what the text needs, as JSON
    lang            TEXT NOT NULL,
    state           TEXT NOT NULL,              -- queued, sending, sent, withheld, expired, no_route, dead
    attempts        {int} NOT NULL DEFAULT 0,
    due_at          {int} NOT NULL,             -- when it may be taken next; while sending, the end of the lease
    made_at         {int} NOT NULL,
    ends_at         {int} NOT NULL,             -- not sent after this moment
    settled_at      {int},
    provider_id     TEXT,
    error           TEXT
) {keyed};
CREATE INDEX outbox_due ON outbox (due_at) WHERE state IN ('queued', 'sending');
CREATE INDEX outbox_by_recipient ON outbox (recipient, id);

CREATE TABLE audit (
    id              TEXT PRIMARY KEY,
    pool_id         TEXT NOT NULL,
    at              {int} NOT NULL,
    event           TEXT NOT NULL,
    verdict         TEXT NOT NULL,              -- "done" or the key of the refusal
    user_id         TEXT NOT NULL,
    actor           TEXT NOT NULL,              -- "user", "management:<access key id>", "cli"
    session_id      TEXT NOT NULL,
    app_id          TEXT NOT NULL,
    request_id      TEXT NOT NULL,
    facts           TEXT NOT NULL,              -- numbers only as keyed hashes
    key_id          TEXT NOT NULL,
    mac             {blob} NOT NULL,
    place           {int},                      -- given by the sealer: 1, 2, 3 …
    chain           {blob}                      -- MAC over the row and the chain before it
) {keyed};
CREATE UNIQUE INDEX audit_by_place ON audit (place) WHERE place IS NOT NULL;
CREATE INDEX audit_unsealed ON audit (id) WHERE place IS NULL;
CREATE INDEX audit_of_user ON audit (user_id, id);             -- ids begin with their moment

CREATE TABLE signing_keys (
    kid             TEXT PRIMARY KEY,
    pool_id         TEXT NOT NULL,
    alg             TEXT NOT NULL,
    sealed          {blob} NOT NULL,
    public          TEXT NOT NULL,              -- the JWK that jwks.json shows
    made_at         {int} NOT NULL,
    retired_at      {int}
) {keyed};
CREATE INDEX signing_keys_of_pool ON signing_keys (pool_id, made_at);

-- What clients encrypt passwords with on the way here (`GET /api/v3/system`): the installation's, not a pool's.
CREATE TABLE password_keys (
    kind            TEXT NOT NULL,              -- rsa, sm2
    number          {int} NOT NULL,             -- 1, 2, 3 …: of two processes that make the next one, one does
    sealed          {blob} NOT NULL,            -- the private half, under a root key
    public          TEXT NOT NULL,              -- as clients read it: PEM (SPKI), or 130 hex digits
    made_at         {int} NOT NULL,
    PRIMARY KEY (kind, number)
) {keyed};

-- Passwords that accounts had before: as many as `passwordHistory` says beside the present one.
CREATE TABLE old_passwords (
    user_id         TEXT NOT NULL,
    replaced_at     {int} NOT NULL,
    hash            TEXT NOT NULL,
    PRIMARY KEY (user_id, replaced_at)
) {keyed};

-- Wrong passwords of the last day: "account:<id>[@own]", "nobody:<pool>:<hash>", "name:<pool>:<hash>", "address:<pool>:<…>".
CREATE TABLE sign_in_failures (
    key             TEXT PRIMARY KEY,
    moments         TEXT NOT NULL,              -- as JSON, oldest first, as many as the setting's limit
    locked_until    {int},
    version         {int} NOT NULL,
    ends_at         {int} NOT NULL              -- when the row says nothing any more
) {keyed};
CREATE INDEX sign_in_failures_by_end ON sign_in_failures (ends_at);

-- Captchas that were answered, for as long as their tokens live.
CREATE TABLE used_captchas (
    id              TEXT PRIMARY KEY,
    ends_at         {int} NOT NULL
) {keyed};
CREATE INDEX used_captchas_by_end ON used_captchas (ends_at);
