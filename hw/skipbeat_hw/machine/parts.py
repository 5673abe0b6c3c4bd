"""What the machine is made of, but for the core, the memories and the counters."""

from __future__ import annotations

from skipbeat_arch.depths import ENGINE_QUEUE, PART_QUEUE, READER_OWNERS
from skipbeat_arch.instruction import COMMON_BITS, INSTRUCTION_BITS, Load
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_ports import COMMAND, JOB, TILE_READ

from ..layouts import struct
from ..queue import Queue
from ..shift_fifo import ShiftFifo
from .execute import ExecuteEngine
from .fetch import Fetch
from .fetcher import Fetcher
from .load import LoadEngine
from .output import OutputStage
from .reader import Reader
from .stages import Stages
from .store import StoreEngine
from .tokens import Tokens
from .turner import Turner
from .watchdog import Watchdog
from .weight_reader import WeightReader
from .writer import Writer

#: A LOAD, and of a PASS the core's command: much is computed of them before anything takes them.
LOAD_SHOWN = struct(Load.full_layout()).size
PASS_SHOWN = COMMON_BITS + struct(COMMAND).size


class Parts:
    """All that a start resets, but for the core: a submodule each, under its name here, unless it is None."""

    def __init__(self, machine: Machine) -> None:
        self.fetch = Fetch(machine)
        self.load = LoadEngine(machine)
        self.execute = ExecuteEngine(machine)
        self.store = StoreEngine(machine)
        self.tokens = Tokens()
        self.watchdog = Watchdog(machine)
        self.weight_reader = WeightReader(machine)
        self.fetcher = Fetcher(machine)
        self.output = OutputStage(machine)
        self.turner = Turner(machine) if machine.hw.outputs.turn else None
        self.reader = Reader(machine)
        self.writer = Writer(machine)
        #: For each request under way at the reader, whether fetch made it.
        self.owners = ShiftFifo(width=1, depth=READER_OWNERS)
        self.load_queue = Queue(INSTRUCTION_BITS, depth=ENGINE_QUEUE, shown=LOAD_SHOWN)
        self.execute_queue = Queue(INSTRUCTION_BITS, depth=ENGINE_QUEUE, shown=PASS_SHOWN)
        self.store_queue = Queue(INSTRUCTION_BITS, depth=ENGINE_QUEUE, shown=COMMON_BITS)
        self.tile_queue = Queue(struct(TILE_READ), depth=PART_QUEUE)
        self.job_queue = Queue(struct(JOB), depth=PART_QUEUE)

    @property
    def stages(self) -> Stages:
        """What makes the store engine's vectors."""
        return Stages(self.output, self.turner)
