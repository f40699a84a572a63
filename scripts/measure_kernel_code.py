#!/usr/bin/env python3
"""Measures the code of the kernels: prints the rows of engine/planning/kernels.inc.

Usage: measure_kernel_code.py [--check]

Compiles every kernel for every core as the Makefile of a firmware project does. With --check, compares the rows
that are there with what was measured: another compiler may differ by a tenth. Exits 1 if one differs by more, is
missing, or is of no kernel, and 77 if there is no compiler for Cortex-M.
"""

import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
KERNELS = ROOT / "engine/kernels"
ROWS = ROOT / "engine/planning/kernels.inc"
PREFIX = "arm-none-eabi-"
FLAGS = "-mthumb -std=gnu11 -O2 -g0 -ffunction-sections -fdata-sections".split()
# What divisions take of the compiler's library where the core has no instruction for them; all firmware has what
# else kernels need of it. They count in each kernel that divides.
LIBRARY = {"__aeabi_idiv": 468, "__aeabi_ldivmod": 868}
# Of what other compilers may make of them.
RELATIVE_TOLERANCE = 0.1
TOLERANCE_BYTES = 16


def cores():
    """The cores that devices may have, each with its flags, in the order of deploy/cores.cpp."""
    text = (ROOT / "deploy/cores.cpp").read_text(encoding="utf-8")
    found = re.findall(r'\.name = "([^"]+)",\s*\.flags = "([^"]+)"', text)
    return [(name, [f"-mcpu={name}", *flags.split()]) for name, flags in found]


def sources():
    """The kernels of firmware, by name."""
    files = [*KERNELS.glob("*.c"), *KERNELS.glob("*/*.c")]
    return {path.stem: path for path in sorted(files, key=lambda path: path.stem) if path.stem != "pack"}


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def compile_kernel(job):
    """Bytes of code and constants of one kernel on one core, the functions that it has and those that it calls."""
    source, flags, folder = job
    target = pathlib.Path(folder) / f"{source.stem}.o"
    includes = [f"-I{path}" for path in (KERNELS, *(p for p in KERNELS.iterdir() if p.is_dir()))]
    run(PREFIX + "gcc", *FLAGS, *flags, *includes, "-c", str(source), "-o", str(target))
    sections = re.findall(r"^\.(?:text|rodata|data)\S*\s+(\d+)", run(PREFIX + "size", "-A", str(target)), re.M)
    symbols = run(PREFIX + "nm", str(target))
    has = set(re.findall(r" [TR] (mcunet_\w+)", symbols))
    calls = set(re.findall(r" U (\w+)", symbols))
    library = sum(count for function, count in LIBRARY.items() if function in calls)
    return source.stem, sum(map(int, sections)) + library, has, calls


def measure():
    """By kernel: its bytes on each core, and the kernels that it calls on the last of them."""
    bytes_of = {name: [] for name in sources()}
    called = {}
    for _, flags in cores():
        with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            results = list(pool.map(compile_kernel, [(s, flags, folder) for s in sources().values()]))
        home = {function: name for name, _, has, _ in results for function in has}
        for name, count, _, calls in results:
            bytes_of[name].append(count)
            called[name] = {home[function] for function in calls & home.keys()}
    return {name: (bytes_of[name], sorted(called[name])) for name in bytes_of}


def row(name, counts, calls):
    return f'KERNEL({name}, "{" ".join(calls)}", {", ".join(map(str, counts))})'


def check(measured):
    rows = re.findall(r'^KERNEL\((\w+), "([^"]*)", ([\d, ]+)\)', ROWS.read_text(encoding="utf-8"), re.M)
    known = {name: ([int(n) for n in counts.split(",")], calls.split()) for name, calls, counts in rows}
    faults = [f"{name} is no kernel" for name in known if name not in measured]
    for name, (counts, calls) in measured.items():
        if name not in known:
            faults.append(f"there is no row for {name}")
            continue
        near = all(
            abs(a - b) <= max(TOLERANCE_BYTES, RELATIVE_TOLERANCE * b) for a, b in zip(known[name][0], counts, strict=True)
        )
        if not near or known[name][1] != calls:
            faults.append(f"measured is {row(name, counts, calls)}")
    for fault in faults:
        print(f"{ROWS.relative_to(ROOT)}: {fault}")
    sys.exit(1 if faults else 0)


def main():
    if sys.argv[1:] not in ([], ["--check"]):
        sys.exit(__doc__)
    if shutil.which(PREFIX + "gcc") is None:
        print(f"there is no {PREFIX}gcc")
        sys.exit(77)
    measured = measure()
    if sys.argv[1:]:
        check(measured)
    for name, (counts, calls) in measured.items():
        print(row(name, counts, calls))


if __name__ == "__main__":
    main()
