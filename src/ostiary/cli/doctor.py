"""`ostiary doctor`: how an installation is set up, what is weak about it, and what to do."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ostiary.cli import shown
from ostiary.cli.options import FAILED, AsJson, Config, Database, DataDir, Dev, loaded, refusals

if TYPE_CHECKING:
    from ostiary.server.settings import Loaded
    from ostiary.server.upkeep.findings import Facts, Finding
    from ostiary.server.upkeep.tuning import Proposal

_COLOURS = {"problem": "bold red", "weak": "yellow", "note": "dim"}


def doctor(
    tune: Annotated[
        float | None,
        typer.Option(
            metavar="MS",
            min=1,
            max=5_000,
            help="Propose settings of argon2id that make one password check take this many milliseconds here.",
            show_default=False,
        ),
    ] = None,
    dev: Dev = None,
    database: Database = None,
    data_dir: DataDir = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Show every setting and where it came from, look at keys and database, and tell what is weak and what to do.

    Changes nothing, and may run beside the service. Secrets are masked.

    For example:

    ostiary doctor --config /etc/ostiary.toml

    ostiary doctor --tune 60

    Exit codes: 0 nothing is wrong or weak · 1 problems or weaknesses were found · 2 refused: a setting is unknown or
    malformed.
    """
    chosen = loaded(config, database=database, data_dir=data_dir, dev=dev)
    with refusals():
        from ostiary.server.upkeep import doctor as examination
        from ostiary.server.upkeep.findings import findings
        from ostiary.server.upkeep.tuning import propose

        if tune is not None:
            share = (
                examination.memory_kib() // 4 // chosen.settings.password_threads // chosen.settings.workers
            )
            _tell_proposal(propose(tune, share, examination.argon2_ms), tune, as_json=as_json)
            return
        facts = examination.examine(chosen)
        found = findings(facts)
    if as_json:
        shown.as_json(_report(chosen, facts, found))
    else:
        _tell(chosen, facts, found)
    if any(finding.level != "note" for finding in found):
        raise typer.Exit(FAILED)


def _report(chosen: "Loaded", facts: "Facts", found: "list[Finding]") -> dict[str, Any]:
    return {
        "settings": [
            {"name": name, "value": value, "source": source} for name, value, source in _settings(chosen)
        ],
        "database": {"promises": dict(facts.promises), "clockApartMs": facts.clock_apart},
        "argon2Ms": round(facts.argon2_ms, 1),
        "findings": [
            {"level": one.level, "about": one.about, "what": one.what, "do": one.do} for one in found
        ],
    }


def _settings(chosen: "Loaded") -> list[tuple[str, Any, str]]:
    from ostiary.server.upkeep.findings import masked

    names = chosen.settings.__struct_fields__
    return [(name, masked(chosen.settings, name), chosen.sources.get(name, "default")) for name in names]


def _tell(chosen: "Loaded", facts: "Facts", found: "list[Finding]") -> None:
    rows = [(name, _text(value), source) for name, value, source in _settings(chosen)]
    shown.table(("setting", "value", "from"), rows, nothing="")
    print()
    shown.pairs(
        {
            "password check": f"{facts.argon2_ms:.0f} ms",
            "machine": f"{facts.cores} cores, {facts.memory_kib // 1024} MiB",
            "database": ", ".join(f"{name} {value}" for name, value in facts.promises.items()) or None,
            "clocks": f"{facts.clock_apart} ms apart" if facts.database_read else None,
        }
    )
    print()
    if not found:
        print("Nothing is wrong, and nothing is weak.")
    shown.notices([(one.level, _COLOURS[one.level], f"{one.about}: {one.what}", one.do) for one in found])


def _tell_proposal(found: "Proposal", target: float, *, as_json: bool) -> None:
    settings = {
        "argon2_memory_kib": found.memory_kib,
        "argon2_passes": found.passes,
        "argon2_lanes": found.lanes,
    }
    if as_json:
        shown.as_json({**settings, "milliseconds": round(found.milliseconds, 1), "targetMs": target})
        return
    print(f"# one check takes {found.milliseconds:.0f} ms here")
    for name, value in settings.items():
        print(f"{name} = {value}")
    if note := _missed(found, target):
        print(f"# {note}")


def _missed(found: "Proposal", target: float) -> str | None:
    """Why a proposal is not near the target (milliseconds); None where it is."""
    from ostiary.server.upkeep.tuning import NEAR

    if found.milliseconds > target:
        return f"above the {target:.0f} ms asked for; this is the permitted minimum"
    if found.milliseconds >= NEAR * target:
        return None
    below = f"below the {target:.0f} ms asked for"
    if found.next_step is None:
        return f"{below}; no larger step fits"
    return f"{below}; the next step up took {found.next_step:.0f} ms"


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
