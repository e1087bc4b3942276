"""Read by mypy with all other files, never run: what an editor knows about the SDK's types."""

from typing import Any, assert_type

from ostiary import (
    AsyncAuthenticationClient,
    AuthenticationClient,
    ManagementClient,
    Result,
    compat,
)
from ostiary.contract.common import IsSuccess
from ostiary.contract.profile import UpdatePhoneByPhonePassCode, User, VerifyUpdatePhoneRequestData


def sync(client: AuthenticationClient) -> None:
    answer = client.verify_update_phone_request(
        UpdatePhoneByPhonePassCode(new_phone_number="13900139000", new_phone_pass_code="123456")
    )
    assert_type(answer, Result[VerifyUpdatePhoneRequestData])
    assert_type(answer.data.update_phone_token, str)
    assert_type(answer.data.token_expires_in, int)
    assert_type(answer.request_id, str | None)
    assert_type(client.update_phone(answer.data.update_phone_token).data.success, bool)
    assert_type(client.get_profile().data, User)
    answers: list[Result[object]] = [client.get_profile(), client.send_sms("CHANNEL_LOGIN", "13900139000")]
    whatever: Result[object] = client.get_profile()
    assert_type(answers[0].data, object)
    assert_type(whatever.request_id, str | None)
    assert_type(client.send_sms("CHANNEL_BIND_PHONE", "13900139000").data, None)
    assert_type(client.with_access_token("at"), AuthenticationClient)
    with client.with_options(timeout=3) as other:
        assert_type(other, AuthenticationClient)
    assert_type(client.sign_in_by_account_password("lin", "secret").data.access_token, str | None)


async def tasks(client: AsyncAuthenticationClient) -> None:
    async with client as same:
        assert_type(same, AsyncAuthenticationClient)
    assert_type((await client.get_profile()).data.phone, str | None)
    assert_type(await client.update_phone("upt_1"), Result[IsSuccess])


def management(client: ManagementClient) -> None:
    assert_type(client.list_users(keywords="138").data.list, list[User])


def stand_in(client: compat.AuthenticationClient) -> None:
    assert_type(client.update_phone("upt_1"), dict[str, Any])
