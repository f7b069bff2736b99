"""Tables of text: with rules on a terminal, aligned columns elsewhere."""

from collections.abc import Sequence

import click

from exporter.shown import printable

Row = tuple[str, ...]


def print_table(title: str, head: Row, rows: Sequence[Row]) -> None:
    """Print a table under its title; what strangers wrote cannot command the terminal."""
    import sys

    cells = [tuple(printable(cell) for cell in row) for row in rows]
    if sys.stdout.isatty():
        _print_rich(title, head, cells)
    else:
        _print_plain(title, head, cells)


def _print_rich(title: str, head: Row, rows: Sequence[Row]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(title), title_justify="left")
    for name in head:
        table.add_column(Text(name), overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    Console().print(table)


def _print_plain(title: str, head: Row, rows: Sequence[Row]) -> None:
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    click.echo(title)
    for row in [head, *rows]:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo("  " + "  ".join(cells).rstrip())
    click.echo()
