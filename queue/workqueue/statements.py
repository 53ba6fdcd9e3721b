"""Statements that are run for every case: compiled once for each kind of database, then handed to its driver as they are.

SQLAlchemy's own way from a statement to the driver costs ten times what SQLite needs to run it. What is kept of it here: the SQL it
writes for each kind of database, and how its types turn values into what the driver takes and back (docs/decisions/0008-group-commit.md).
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import Column, Connection, Delete, Dialect, FunctionElement, Insert, Select, String, Update, bindparam, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.types import NullType, TypeEngine

BULK_ROWS = 16
"""From so many rows on, a server gets them all in one go."""

Values = Mapping[str, Any]
_Convert = Callable[[Any], Any]


class Prepared:
    """One statement. Its values come by the names of its `bindparam`s, an insert's by its columns; a list as ONE value is not for it."""

    def __init__(self, statement: Select[Any] | Insert | Update | Delete, *, columns: Sequence[str] | None = None) -> None:
        """`columns` = an insert's, when not all."""
        self._statement = statement
        self._columns = columns
        self._made: dict[str, _Made] = {}

    def change(self, tx: Connection, values: Values) -> int:
        """Run it and return how many rows were changed."""
        made, driver = self._of(tx.dialect), driver_of(tx)
        count: int = driver.execute(made.sql, made.bound(values)).rowcount
        return count

    def change_many(self, tx: Connection, rows: Sequence[Values]) -> int:
        """Run it for each of several, and return how many rows were changed in all."""
        made, cursor = self._of(tx.dialect), driver_of(tx).cursor()
        if made.bulk is not None and len(rows) >= BULK_ROWS:
            return made.bulk.run(cursor, rows)
        cursor.executemany(made.sql, [made.bound(row) for row in rows])
        count: int = cursor.rowcount
        return count

    def rows(self, tx: Connection, values: Values) -> list[Any]:
        """Run it and return the rows, with their columns by name."""
        made = self._of(tx.dialect)
        return made.rows(driver_of(tx).execute(made.sql, made.bound(values)).fetchall())

    def row(self, tx: Connection, values: Values) -> Any:
        """Return the only row, None when there is none."""
        rows = self.rows(tx, values)
        return rows[0] if rows else None

    def _of(self, dialect: Dialect) -> _Made:
        made = self._made.get(dialect.name)
        if made is None:
            made = self._made[dialect.name] = _Made(self._statement, dialect, self._columns)
        return made


def among(query: Select[Any], column: Column[Any], name: str) -> Prepared:
    """Return a query of the rows whose column is one of some texts, which come as ONE value, made by `listed`."""
    return Prepared(query.where(column.in_(select(_Listed(bindparam(name, type_=String))))))


def listed(texts: Iterable[str]) -> str:
    """Return texts as one value."""
    return orjson.dumps(list(texts)).decode()


class _Listed(FunctionElement[str]):
    """The texts in a JSON list, a row each."""

    type = String()
    inherit_cache = True


@compiles(_Listed, "sqlite")
def _by_sqlite(element: _Listed, compiler: Any, **told: Any) -> str:
    return f"value FROM json_each({compiler.process(element.clauses, **told)})"


@compiles(_Listed, "postgresql")
def _by_postgres(element: _Listed, compiler: Any, **told: Any) -> str:
    return f"json_array_elements_text(CAST({compiler.process(element.clauses, **told)} AS JSON))"


class _Made:
    """A statement as one kind of database has it."""

    def __init__(self, statement: Any, dialect: Dialect, columns: Sequence[str] | None) -> None:
        if isinstance(statement, Insert) and columns is None:
            columns = [column.name for column in statement.table.columns]
        keys = {} if columns is None else {"column_keys": list(columns)}
        compiled = statement.compile(dialect=dialect, **keys)
        told = {name: bind for name, bind in compiled.binds.items() if bind.required}
        whole = compiled.construct_expanded_state(dict.fromkeys(told))
        self.sql = whole.statement
        self._binders = {name: made for name, bind in told.items() if (made := _binder(bind.type, dialect))}
        self._fixed = {name: value for name, value in whole.parameters.items() if name not in told}
        for name in self._fixed.keys() & compiled.binds.keys():
            if (binder := _binder(compiled.binds[name].type, dialect)) is not None:
                self._fixed[name] = binder(self._fixed[name])
        # Plain text goes to the driver faster than one of our enumerations.
        self._fixed = {name: str(value) if isinstance(value, str) else value for name, value in self._fixed.items()}
        self._places = _Places(whole.positiontup or (), self._fixed, self._binders) if dialect.positional else None
        self.bulk = _bulk(statement, self.sql, told, self._fixed, self._binders, dialect) if dialect.name == "postgresql" else None
        returned = list(getattr(statement, "exported_columns", ()))
        self._row: Any = namedtuple("Row", [column.key for column in returned], rename=True) if returned else None
        self._readers = [(place, made) for place, column in enumerate(returned) if (made := _reader(column.type, dialect))]

    def bound(self, values: Values) -> Any:
        """Return the values as the driver takes them."""
        if self._places is not None:
            return self._places.filled(values)
        ready = {**self._fixed, **values}
        for name, binder in self._binders.items():
            ready[name] = binder(ready[name])
        return ready

    def rows(self, found: Iterable[Sequence[Any]]) -> list[Any]:
        """Return what the driver gave, as the columns' types have it."""
        made = []
        for one in found:
            row = list(one)
            for place, reader in self._readers:
                row[place] = reader(row[place])
            made.append(self._row._make(row))
        return made


class _Copy:
    """An insert of many rows on a server: copied into the table, without a statement for each."""

    def __init__(self, sql: str, kinds: Mapping[str, str], binders: Mapping[str, _Convert]) -> None:
        table = sql[len("INSERT INTO ") : sql.index(" VALUES (")]
        self._sql = f"COPY {table} FROM STDIN (FORMAT BINARY)"
        self._kinds = [kind.lower().partition("(")[0] for kind in kinds.values()]
        self._readers = [(name, binders.get(name)) for name in kinds]

    def run(self, cursor: Any, rows: Sequence[Values]) -> int:
        """Store them."""
        with cursor.copy(self._sql) as copy:
            copy.set_types(self._kinds)
            for row in rows:
                copy.write_row([row[name] if binder is None else binder(row[name]) for name, binder in self._readers])
        return len(rows)


class _Unnested:
    """A change of many rows on a server: their values come as lists, and ONE statement changes them all."""

    def __init__(self, sql: str, kinds: Mapping[str, str], fixed: Values, binders: Mapping[str, _Convert]) -> None:
        for name, kind in kinds.items():
            sql = sql.replace(f"%({name})s::{kind}", f"many.{name}").replace(f"%({name})s", f"many.{name}")
        lists = ", ".join(f"%({name})b::{kind}[]" for name, kind in kinds.items())
        self._sql = sql.replace(" WHERE ", f" FROM unnest({lists}) AS many({', '.join(kinds)}) WHERE ", 1)
        self._fixed = fixed
        self._readers = [(name, binders.get(name)) for name in kinds]

    def run(self, cursor: Any, rows: Sequence[Values]) -> int:
        """Change them, and return how many there were."""
        lists = {name: [row[name] if binder is None else binder(row[name]) for row in rows] for name, binder in self._readers}
        count: int = cursor.execute(self._sql, {**self._fixed, **lists}).rowcount
        return count


def _bulk(  # noqa: PLR0917  what _Made has found out
    statement: Any, sql: str, told: Mapping[str, Any], fixed: Values, binders: Mapping[str, _Convert], dialect: Dialect
) -> _Copy | _Unnested | None:
    """Return how a statement is run for many rows on a server, None = one by one."""
    if not isinstance(statement, Insert | Update) or any(isinstance(bind.type, NullType) for bind in told.values()):
        return None
    kinds = {name: dialect.type_compiler_instance.process(bind.type) for name, bind in told.items()}
    if isinstance(statement, Insert) and " VALUES (" in sql and " ON CONFLICT " not in sql and not fixed:
        return _Copy(sql, kinds, binders)
    if isinstance(statement, Update) and sql.startswith("UPDATE ") and not list(statement.exported_columns):
        return _Unnested(sql, kinds, fixed, binders)
    return None


class _Places:
    """Where each value stands, for a driver that counts them."""

    def __init__(self, names: Sequence[str], fixed: Values, binders: Mapping[str, _Convert]) -> None:
        self._empty = [fixed.get(name) for name in names]
        told = [(place, name) for place, name in enumerate(names) if name not in fixed]
        self._plain = [(place, name) for place, name in told if name not in binders]
        self._converted = [(place, name, binders[name]) for place, name in told if name in binders]

    def filled(self, values: Values) -> list[Any]:
        """Return the values in their places."""
        row = self._empty.copy()
        for place, name in self._plain:
            row[place] = values[name]
        for place, name, binder in self._converted:
            row[place] = binder(values[name])
        return row


def driver_of(tx: Connection) -> Any:
    """Return the driver's own connection."""
    return tx.connection.driver_connection


def _binder(kind: TypeEngine[Any], dialect: Dialect) -> _Convert | None:
    return kind.dialect_impl(dialect).bind_processor(dialect)


def _reader(kind: TypeEngine[Any], dialect: Dialect) -> _Convert | None:
    return kind.dialect_impl(dialect).result_processor(dialect, None)
