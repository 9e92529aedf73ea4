"""How the lines of an order count: a return takes away, whether it was recorded with a minus or without."""

from __future__ import annotations

from domain.order.facts import Line, OrderKind, total_of

Lines = tuple[Line, ...]


def counted(kind: str, lines: Lines) -> Lines:
    """The lines, with the other sign when they are a return's that was recorded as if it were a sale."""
    if kind != OrderKind.RETURN or (total_of(lines), sum(line.quantity for line in lines)) <= (0, 0):
        return lines
    return tuple(_negative(line) for line in lines)


def _negative(line: Line) -> Line:
    return line.model_copy(update={"quantity": -line.quantity, "amount_minor": -line.amount_minor})
