"""`ostiary demo`: a phone number changes hands, over real HTTP through our SDK, and everybody's phone is shown."""

import time
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

OLD = "+8613800138000"
NEW = "+8613912345678"
_PATIENCE = 10.0
"""Seconds within which a message has to arrive."""


def demo() -> None:
    """Change a phone number end to end, on a scratch database.

    Starts the service, signs a user in, proves the old and the new number, moves the number, and shows what
    arrived on each phone. Nothing is left behind.

    Exit codes: 0 the number moved and everybody was told · 1 something did not happen.
    """
    from rich.console import Console

    from ostiary import OstiaryError
    from ostiary.cli.running_service import NotStartedError, running_service

    console = Console(highlight=False)
    console.print()
    console.rule("[bold]Ostiary[/]  changing a phone number", align="left", style="cyan")
    started = time.monotonic()
    try:
        with console.status("starting the service …"), running_service() as dev:
            console.print(
                f"\n[dim]A service of its own: {dev['url']}, SQLite, {time.monotonic() - started:.1f} s[/]"
            )
            Story(console, dev).tell()
    except (OstiaryError, NotStartedError, UnexpectedError) as error:
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

    def __init__(self, console: "Console", dev: dict[str, Any]) -> None:
        import httpx2

        from ostiary import AuthenticationClient

        self._console = console
        self._dev = dev
        self._alice = dev["users"][0]
        self._client = AuthenticationClient(
            dev["appId"], dev["url"], app_secret=dev["appSecret"], lang="en-US"
        )
        self._inbox = httpx2.Client(base_url=dev["url"], timeout=10)
        self._shown: set[str] = set()
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
        new = self._arrived(NEW, "the new phone")
        self._step("… and at the old one", f'client.send_sms("CHANNEL_UNBIND_PHONE", "{OLD[3:]}")')
        self._client.send_sms("CHANNEL_UNBIND_PHONE", OLD[3:])
        old = self._arrived(OLD, "the old phone")
        return new["code"], old["code"]

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
        self._arrived(OLD, "the old phone")
        self._arrived(NEW, "the new phone")
        self._arrived(self._alice["email"], "her mailbox")

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

    def _arrived(self, to: str, whose: str) -> dict[str, Any]:
        """The next message at an address, shown as it looks there."""
        from rich.padding import Padding
        from rich.panel import Panel
        from rich.text import Text

        message = next(self._unread(to), None)
        if message is None:
            raise UnexpectedError(f"nothing arrived at {to}")
        self._shown.add(message["id"])
        text = Text(message["text"])
        if message["code"]:
            text.highlight_words([message["code"]], "bold yellow")
        icon = "📱" if message["kind"] == "sms" else "✉️ "
        panel = Panel(
            text, title=f"{icon} {whose} · {to}", title_align="left", border_style="green", width=72
        )
        self._console.print(Padding(panel, (0, 0, 0, 3)))
        return message

    def _unread(self, to: str) -> "Iterator[dict[str, Any]]":
        until = time.monotonic() + _PATIENCE
        while time.monotonic() < until:
            for message in self._inbox.get("/dev/inbox.json", params={"to": to}).json():
                if message["id"] not in self._shown:
                    yield message
            time.sleep(0.1)


def _must(held: bool, otherwise: str) -> None:
    """An assertion that `python -O` keeps."""
    if not held:
        raise UnexpectedError(otherwise)
