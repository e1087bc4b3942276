"""What an application decides: the contract's ranges are the policy's."""

import msgspec

from ostiary.contract.applications import Application, CreateApplication, UpdateApplication
from ostiary.server.core.policy import AppPolicy
from ostiary.server.features.management import applications_rules as rules


def test_every_setting_can_be_made_read_and_changed():
    settings = {info.encode_name for info in msgspec.structs.fields(AppPolicy)}
    for struct in (Application, CreateApplication, UpdateApplication):
        assert settings <= {info.encode_name for info in msgspec.structs.fields(struct)}


def test_what_the_contract_lets_in_the_policy_can_be_read_back_with():
    for life in (60, 86_400):
        form = msgspec.convert({"appId": "a", "accessTokenLife": life}, UpdateApplication)
        after = rules.policy(AppPolicy(), form)
        assert msgspec.json.decode(msgspec.json.encode(after), type=AppPolicy) == after
    for life in (300, 31_536_000):
        form = msgspec.convert(
            {"appId": "a", "sessionLife": life, "refreshTokenLife": life}, UpdateApplication
        )
        after = rules.policy(AppPolicy(), form)
        assert msgspec.json.decode(msgspec.json.encode(after), type=AppPolicy) == after


def test_what_is_absent_stays():
    before = AppPolicy(self_service=False, redirect_uris=("https://a.example",))
    assert rules.policy(before, UpdateApplication(app_id="a")) == before
