"""The registers, counters and error codes as tables of docs/integration.md."""

from __future__ import annotations

from skipbeat_arch.registers import Counter, Field, Register


def register_table() -> str:
    """A row for each field of each register."""
    head = "| offset | register | access | bits | field | |\n|---|---|---|---|---|---|\n"
    return head + "".join(_row(register, field) for register in Register for field in register.fields)


def counter_table() -> str:
    """A row for each counter."""
    rows = (f"| 0x{counter.offset:02X} | {counter.name} | {counter.about} |\n" for counter in Counter)
    return "| offset | counter | counts |\n|---|---|---|\n" + "".join(rows)


def _row(register: Register, field: Field) -> str:
    last = field.first + field.bits - 1
    bits = str(field.first) if field.bits == 1 else f"{last}..{field.first}"
    return (
        f"| 0x{register:02X} | {register.name} | {register.access.value} | {bits} | `{field.name}` | {field.about} |\n"
    )
