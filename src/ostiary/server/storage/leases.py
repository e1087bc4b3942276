"""Leader leases: of all processes on a database, one at a time does a job. One row of `meta` each."""

from ostiary.server.storage.tx import Sql, Tx

_HOLD = Sql("""
    INSERT INTO meta (name, value) VALUES (:name, :value)
    ON CONFLICT (name) DO UPDATE SET value = excluded.value
     WHERE substr(meta.value, 1, 13) <= :now OR substr(meta.value, 15) = :holder
""")


def hold(tx: Tx, name: str, holder: str, now: int, length: int) -> bool:
    """Take or prolong a lease for `length` milliseconds. False: somebody else holds it.

    The row stays locked until the commit, so what follows in the same step has no rival even where a lease
    ran out in the middle of it.
    """
    return (
        tx.run(
            _HOLD,
            name=f"lease:{name}",
            value=f"{now + length:013d} {holder}",  # 13 digits of milliseconds last until the year 2286
            now=f"{now:013d}",
            holder=holder,
        )
        == 1
    )
