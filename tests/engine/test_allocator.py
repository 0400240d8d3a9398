"""What the engines let glibc's allocator do with memory that is not needed any more."""

from __future__ import annotations

import platform
import sys

import pytest

from fastverify.engine.protocol import EngineName
from tests.cli.running import run_words
from tests.conftest import engine_or_skip

_SET_ALLOCATOR: dict[EngineName, str] = {
    "native": """
from fastverify.engine import load_engine
list(load_engine("native").measure([], threads=1))
""",
    "pure": """
from fastverify.engine.pure.allocator import give_memory_back
give_memory_back()
""",
}
_PROGRAM = """
import ctypes
SET_ALLOCATOR

def resident():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * 4096

libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]
libc.memset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
libc.free(libc.malloc(30 << 20))
before = resident()
block = libc.malloc(20 << 20)
libc.memset(block, 1, 20 << 20)
held = resident()
libc.free(block)
print(held - before > 19 << 20, resident() - before < 5 << 20)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="it is glibc's allocator that is set")
@pytest.mark.parametrize("engine", ["native", "pure"])
def test_a_large_block_goes_back_to_the_system(engine: EngineName) -> None:
    engine_or_skip(engine)
    program = _PROGRAM.replace("SET_ALLOCATOR", _SET_ALLOCATOR[engine])
    done = run_words([sys.executable, "-c", program])
    assert (done.returncode, done.stdout.split()) == (0, ["True", "True"])


_THREADS = """
import resource
from pathlib import Path
from fastverify.engine import load_engine
from tests.engine.measuring import task

engine = load_engine("native")
tasks = [task(number, zip=Path("/nowhere")) for number in range(100)]

def most_addresses():
    (line,) = (line for line in open("/proc/self/status") if line.startswith("VmPeak:"))
    return int(line.split()[1]) << 10

before = most_addresses()
resource.setrlimit(resource.RLIMIT_AS, (before + (1 << 30),) * 2)
assert len(list(engine.measure(tasks, threads=4))) == len(tasks)
print(most_addresses() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="it is glibc's allocator that is set")
def test_no_addresses_are_set_aside_where_there_are_few() -> None:
    engine_or_skip("native")
    done = run_words([sys.executable, "-c", _THREADS])
    assert (done.returncode, done.stderr) == (0, "")
    # What it would be for a single thread; besides, each has a stack.
    assert int(done.stdout) < 64 << 20
