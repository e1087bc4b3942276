"""The signed-in user's own account, as it stands."""

from ostiary.contract.keys import Key
from ostiary.contract.profile import GetProfile, User
from ostiary.server.core.call import Call
from ostiary.server.core.people import Facts
from ostiary.server.core.refused import Refused
from ostiary.server.guards import accounts
from ostiary.server.guards.entry import enter
from ostiary.server.guards.service import Service
from ostiary.server.storage import users
from ostiary.server.storage.tx import Tx


async def get_profile(service: Service, call: Call, form: GetProfile | Refused) -> User | Refused:
    """Read the account; any application's token may, `selfService` or not."""

    def step(tx: Tx) -> User | Refused:
        entered = enter(tx, service.ports, call, form, _as_asked, lock=False, manages_account=False)
        if isinstance(entered, Refused):
            return entered
        user = users.load(tx, entered.pool.id, entered.account.user_id)
        if user is None:  # one snapshot saw the account a moment ago; mypy cannot see that
            return Refused(Key.LOGIN_EXPIRED)
        return accounts.to_user(
            user,
            with_custom_data=entered.ask.with_custom_data is True,
            with_identities=entered.ask.with_identities is True,
            with_department_ids=entered.ask.with_department_ids is True,
        )

    return await service.store.read(step)


def _as_asked(form: GetProfile, _facts: Facts) -> GetProfile:
    return form
