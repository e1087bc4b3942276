"""What anybody may read about the installation."""

from ostiary.contract.system import SystemInfo, SystemRsa, SystemSm2, SystemVersion
from ostiary.server.core.call import Call
from ostiary.server.guards.service import Service


async def get_system_info(service: Service, _call: Call, _form: None) -> SystemInfo:
    """The public keys and the version."""
    from importlib.metadata import version as installed  # what else nobody needs: it stays out of every start

    version = installed("ostiary")
    return SystemInfo(
        rsa=SystemRsa(public_key=await service.password_keys.public("rsa")),
        sm2=SystemSm2(public_key=await service.password_keys.public("sm2")),
        version=SystemVersion(server=version, console=version, login=version),
        public_ips=[],
    )
