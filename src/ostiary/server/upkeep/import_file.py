"""The two files of an import: the CSV that is read, and the CSV of the rows that were rejected."""

import csv
import hashlib
import os
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from ostiary.server.core.near import did_you_mean
from ostiary.server.settings import StartRefusedError
from ostiary.server.upkeep import import_rules
from ostiary.server.upkeep.import_rules import Rejected


@dataclass(frozen=True, slots=True)
class ImportRow:
    """One row: its place among the rows (1, 2 …), the line it ends on, and its cells that are not empty."""

    number: int
    line: int
    cells: Mapping[str, str] = field(repr=False)
    too_long: bool = False
    """It has more cells than the file has columns."""


class ImportFile:
    """A CSV file with a header (RFC 4180). Raises `StartRefusedError` where it is none, or has unknown columns."""

    def __init__(self, path: Path, encoding: str, delimiter: str) -> None:
        self.path = path
        self._encoding = "utf-8-sig" if encoding.lower().replace("_", "-") == "utf-8" else encoding
        self._delimiter = delimiter
        self.digest, self.lines = self._look()
        self.header = self._header()

    def rows(self, after: int) -> Iterator[ImportRow]:
        """The rows behind the first `after` ones. Empty lines are none."""
        for number, (line, cells) in enumerate(self._lines()):
            if number <= after:
                continue  # the header is number 0
            given = {name: text for name, text in zip(self.header, cells, strict=False) if text.strip()}
            yield ImportRow(number, line, given, len(cells) > len(self.header))

    def _look(self) -> tuple[str, int]:
        digest, lines = hashlib.sha256(), 0
        try:
            with self.path.open("rb") as file:
                while part := file.read(1 << 20):
                    digest.update(part)
                    lines += part.count(b"\n")
        except OSError as error:
            raise StartRefusedError(f"{self.path} can't be read: {error.strerror}") from error
        return digest.hexdigest(), lines

    def _header(self) -> tuple[str, ...]:
        with closing(self._lines()) as lines:
            header = tuple(name.strip() for name in next(lines, (0, []))[1])
        if not header or len(set(header)) != len(header):
            raise StartRefusedError(
                f"{self.path}: the first line must contain the column names, without duplicates"
            )
        unknown = import_rules.unknown_columns(header)
        if unknown:
            hint = did_you_mean(unknown[0], import_rules.COLUMNS)
            raise StartRefusedError(f"{self.path}: there is no column {unknown[0]!r}{hint}")
        return header

    def _lines(self) -> Generator[tuple[int, list[str]], None, None]:
        """Lines that are not empty, each with its number; the header first. Complaints name file and line."""
        try:
            file = self.path.open(encoding=self._encoding, newline="")
        except LookupError as error:
            raise StartRefusedError(f"there is no encoding {self._encoding!r}") from error
        with file:
            reader = csv.reader(file, delimiter=self._delimiter, strict=True)
            try:
                for cells in reader:
                    if cells:
                        yield reader.line_num, cells
            except UnicodeDecodeError as error:
                raise StartRefusedError(
                    f"{self.path} is not {error.encoding}, near line {reader.line_num + 1}: specify its --encoding (gb18030?)"
                ) from error
            except csv.Error as error:
                raise StartRefusedError(f"{self.path}, line {reader.line_num}: {error}") from error


def rejected_path(source: Path, *, dry_run: bool) -> Path:
    """`people.rejected.csv` beside `people.csv`. Dry runs have another: somebody may be mending the first."""
    return source.with_name(f"{source.stem}{'.dry-run' if dry_run else ''}.rejected.csv")


class RejectedFile:
    """The rejected rows as they came, each with its place and reason.

    Mode 600: rows may hold passwords. Made when the first row is rejected.
    """

    def __init__(self, path: Path, source: ImportFile) -> None:
        self.path = path
        self._header = (
            *(name for name in source.header if name not in import_rules.IGNORED),
            *import_rules.IGNORED,
        )
        if self.path == source.path:
            raise StartRefusedError(f"{self.path} would be overwritten: rename the file")
        if not os.access(self.path.parent, os.W_OK):
            raise StartRefusedError(
                f"{self.path}, which receives rejected rows, can't be written: copy the file to a folder that you "
                "may write to"
            )

    def begin(self, kept_up_to: int) -> None:
        """Keep what an earlier run wrote of the first rows; whatever it wrote of later ones goes."""
        kept = list(self._written(kept_up_to)) if kept_up_to else []
        self.path.unlink(missing_ok=True)
        if kept:
            self._append(kept)

    def add(self, rejected: Iterable[tuple[ImportRow, Rejected]]) -> None:
        """Write rejected rows; on the disk when this returns."""
        lines = [
            [
                *(row.cells.get(name, "") for name in self._header[:-3]),
                str(row.number),
                str(row.line),
                verdict.reason,
            ]
            for row, verdict in rejected
        ]
        if lines:
            self._append(lines)

    def _written(self, up_to: int) -> Iterator[list[str]]:
        try:
            with self.path.open(encoding="utf-8", newline="") as file:
                for cells in csv.reader(file):
                    number = cells[-3] if len(cells) == len(self._header) else ""
                    if number.isdecimal() and int(number) <= up_to:
                        yield cells
        except FileNotFoundError:
            return

    def _append(self, lines: Sequence[Sequence[str]]) -> None:
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "a", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            if file.tell() == 0:
                writer.writerow(self._header)
            writer.writerows(lines)
            file.flush()
            os.fsync(file.fileno())
