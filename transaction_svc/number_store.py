"""Numbers of OCPP 1.6 transactions. Functions run inside a transaction that Database opens."""

from collections.abc import Sequence

from sqlalchemy import Connection, Engine, text

from mesh.database.rowset import RowStatement, run_prepared

# Numbers are drawn ahead, which spares most batches a round trip. They are kept with the connection: numbers that it
# has not used when it is closed are a gap, as those of a transaction that is rolled back.
_AHEAD = 100
_RESERVE = "csms_tx_numbers"
_FIRST = "csms_first_tx_number"
_DRAW = RowStatement("SELECT nextval('tx_number') FROM {rows}", n="integer")


def set_first_number(engine: Engine, first: int) -> None:
    """Sets the lowest number of 1.6 transactions, for all connections of the pool from now on."""
    engine.update_execution_options(**{_FIRST: first})


def allocate_numbers(connection: Connection, count: int) -> Sequence[int]:
    """New numbers for 1.6 transactions: int32, positive, and unique until all have been used."""
    first = connection.get_execution_options().get(_FIRST, 1)
    numbers = _draw(connection, count)
    if min(numbers) < first:
        _go_on_from(connection, first)
        numbers = _draw(connection, count)
    return numbers


def _draw(connection: Connection, count: int) -> Sequence[int]:
    if connection.dialect.name == "postgresql":
        reserve: list[int] = connection.info.setdefault(_RESERVE, [])
        if len(reserve) < count:
            drawn = run_prepared(connection, (_DRAW, [{"n": n} for n in range(count + _AHEAD)]))
            reserve.extend(number for (number,) in drawn)
        taken, reserve[:count] = reserve[:count], []
        return taken
    last = connection.execute(
        text("UPDATE tx_counter SET value = value + :count WHERE name = 'tx_number' RETURNING value"), {"count": count}
    ).scalar_one()
    return [(number - 1) % (2**31 - 1) + 1 for number in range(last - count + 1, last + 1)]


def _go_on_from(connection: Connection, first: int) -> None:
    """Raises the next number to `first`, unless it is above that already."""
    if connection.dialect.name == "postgresql":
        # Under a lock: a sequence is outside of transactions, and must not be set back below numbers drawn meanwhile.
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('tx_number', 0))"))
        connection.execute(
            text("SELECT setval('tx_number', :first, false) FROM tx_number WHERE last_value < :first"), {"first": first}
        )
        connection.info[_RESERVE] = []
        return
    connection.execute(
        text("UPDATE tx_counter SET value = :first - 1 WHERE name = 'tx_number' AND value < :first"), {"first": first}
    )
