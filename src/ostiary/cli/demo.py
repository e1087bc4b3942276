"""`ostiary demo`: a phone number changes hands, over real HTTP through our SDK, and everybody's phone is shown."""

import json
import time
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from ostiary.testing import Service

OLD = "+8613800138000"
NEW = "+8613912345678"


def demo() -> None:
    """Change a phone number end to end, on a scratch database.

    Starts the service, signs a user in, proves the old and the new number, moves the number, and shows what
    arrived on each phone. Nothing is left behind.

    Exit codes: 0 the number moved and everybody was told · 1 something did not happen.
    """
    from rich.console import Console

    from ostiary import OstiaryError
    from ostiary.testing import NothingArrived, NotStarted, start

    console = Console(highlight=False)
    console.print()
    console.rule("[bold]Ostiary[/]  changing a phone number", align="left", style="cyan")
    started = time.monotonic()
    try:
        with console.status("starting the service …"), start() as service:
            console.print(
                f"\n[dim]A service of its own: {service.url}, SQLite, {time.monotonic() - started:.1f} s[/]"
            )
            Story(console, service).tell()
    except (OstiaryError, NotStarted, NothingArrived, UnexpectedError) as error:
        console.print(f"\n[bold red]✗[/] {error}\n")
        raise typer.Exit(1) from error
    console.print(
        f"\n[bold green]✓[/] The number moved, and everybody was told. [dim]{time.monotonic() - started:.1f} s; "
        "the scratch folder is gone.[/]\n"
        "  Try it yourself: [bold]make dev[/], then http://127.0.0.1:8000/dev/inbox\n"
    )


class UnexpectedError(Exception):
    """The story went another way than it must."""


class Story:
    """Alice gets a new number."""

    def __init__(self, console: "Console", service: "Service") -> None:
        self._console = console
        self._alice: dict[str, str] = json.loads((service.folder / "dev.json").read_bytes())["users"][0]
        self._client = service.client()
        self._inbox = service.inbox
        self._number = 0

    def tell(self) -> None:
        """All of it, step by step; raises where anything is not as it must be."""
        self._sign_in()
        new_code, old_code = self._ask_for_codes()
        token = self._prove(new_code, old_code)
        self._move(token)
        self._notices()
        self._once_only(token)

    def _sign_in(self) -> None:
        self._step("Alice signs in", 'client.sign_in_by_username_password("alice", "…")')
        tokens = self._client.sign_in_by_username_password(self._alice["username"], self._alice["password"])
        self._client.set_access_token(tokens.data.access_token)
        profile = self._client.get_profile().data
        self._fact(f"her number is [bold]{profile.phone_country_code} {profile.phone}[/]")
        _must(f"{profile.phone_country_code}{profile.phone}" == OLD, "Alice has another number than expected")

    def _ask_for_codes(self) -> tuple[str, str]:
        self._step(
            "She asks for a code at the new number", f'client.send_sms("CHANNEL_BIND_PHONE", "{NEW[3:]}")'
        )
        self._client.send_sms("CHANNEL_BIND_PHONE", NEW[3:])
        self._show(NEW, "the new phone", "CHANNEL_BIND_PHONE")
        self._step("… and at the old one", f'client.send_sms("CHANNEL_UNBIND_PHONE", "{OLD[3:]}")')
        self._client.send_sms("CHANNEL_UNBIND_PHONE", OLD[3:])
        self._show(OLD, "the old phone", "CHANNEL_UNBIND_PHONE")
        return self._inbox.code(NEW, "CHANNEL_BIND_PHONE"), self._inbox.code(OLD, "CHANNEL_UNBIND_PHONE")

    def _prove(self, new_code: str, old_code: str) -> str:
        self._step("She types both codes", "client.verify_update_phone_request({…}, 'PHONE_PASSCODE')")
        granted = self._client.verify_update_phone_request(
            {
                "newPhoneNumber": NEW[3:],
                "newPhonePassCode": new_code,
                "oldPhoneNumber": OLD[3:],
                "oldPhonePassCode": old_code,
            },
            "PHONE_PASSCODE",
        ).data
        token = granted.update_phone_token
        self._fact(f"a one-time token: [bold]{token[:8]}…[/], good for {granted.token_expires_in} s")
        return token

    def _move(self, token: str) -> None:
        self._step("She spends the token", f'client.update_phone("{token[:8]}…")')
        moved = self._client.update_phone(token).data
        _must(moved.success, "the service did not say that the number moved")
        profile = self._client.get_profile().data
        self._fact(f"her number is now [bold green]{profile.phone_country_code} {profile.phone}[/]")
        _must(f"{profile.phone_country_code}{profile.phone}" == NEW, "the profile shows another number")

    def _notices(self) -> None:
        self._step("Everybody concerned is told", "one notice for every address there is")
        self._show(OLD, "the old phone", "phone_changed")
        self._show(NEW, "the new phone", "phone_changed")
        self._show(self._alice["email"], "her mailbox", "phone_changed")

    def _once_only(self, token: str) -> None:
        from ostiary import APIError

        self._step("The same token again", f'client.update_phone("{token[:8]}…")')
        try:
            self._client.update_phone(token)
        except APIError as refusal:
            self._fact(f"refused: [bold]{refusal.api_code}[/] {refusal.message}")
            return
        raise UnexpectedError("a used token was taken again")

    def _step(self, what: str, how: str) -> None:
        self._number += 1
        self._console.print(f"\n[bold cyan]{self._number}[/]  [bold]{what}[/]")
        self._console.print(f"   [dim]{how}[/]")

    def _fact(self, text: str) -> None:
        self._console.print(f"   → {text}")

    def _show(self, to: str, whose: str, channel: str) -> None:
        """Wait for a message of a channel, and show it as it looks there. Raises `NothingArrived`."""
        from rich.padding import Padding
        from rich.panel import Panel
        from rich.text import Text

        message = self._inbox.message(to, channel)
        text = Text(message.text)
        if message.code:
            text.highlight_words([message.code], "bold yellow")
        icon = "📱" if message.kind == "sms" else "✉️ "
        panel = Panel(
            text, title=f"{icon} {whose} · {to}", title_align="left", border_style="green", width=72
        )
        self._console.print(Padding(panel, (0, 0, 0, 3)))


def _must(held: bool, otherwise: str) -> None:
    """An assertion that `python -O` keeps."""
    if not held:
        raise UnexpectedError(otherwise)
