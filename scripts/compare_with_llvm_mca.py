#!/usr/bin/env python3
"""Compares the estimated cycles of a program's loops on a Cortex-M7 with LLVM's machine code analyser.

  mcunet emulate DIR --input FILE --cycles --json | scripts/compare_with_llvm_mca.py

DIR is a network compiled for a Cortex-M7. Each of the costliest loops that is one straight run of
instructions goes through llvm-mca (Debian: llvm); a line has both prices of a turn. The analyser crashes
on accesses that move their pointer on, so it is given them without; on a Cortex-M7 that costs nothing. It
sees no jump back, which costs up to one cycle.
"""

import argparse
import json
import re
import subprocess
import sys

MCA = ["llvm-mca", "-mtriple=thumbv7em-none-eabihf", "-mcpu=cortex-m7", "-iterations=200"]


def is_straight(loop):
    """Whether its code runs from its first to its last instruction in every turn."""
    branches = [line for line in loop["code"] if re.match(r"c?b[a-z]*([.][nw])? ", line)]
    jumps = [line for line in loop["code"] if re.match(r"(bl|bx|blx|pop|tb[bh]|it[te]*) |.* r15, ", line)]
    return len(branches) == 1 and branches[0] == loop["code"][-1] and not jumps


def price_by_mca(code):
    """Cycles of a turn."""
    lines = [re.sub(r"\](, #-?\d+|!)|!(?=,)", lambda m: "]" if m[0][0] == "]" else "", line)
             for line in code[:-1]]
    text = ".syntax unified\n.thumb\n" + "\n".join(lines) + "\n"
    run = subprocess.run(MCA, input=text, capture_output=True, text=True, check=False)
    found = re.search(r"Total Cycles:\s+(\d+)", run.stdout)
    if run.returncode != 0 or not found:
        sys.exit(f"llvm-mca: {run.stderr.strip() or 'printed no cycles'}")
    return int(found[1]) / 200


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--loops", type=int, default=12, help="how many [12]")
    arguments = parser.parse_args()
    loops = [loop for loop in json.load(sys.stdin)["loops"] if is_straight(loop)]
    print(f"{'loop':<34}{'instructions':>13}{'own':>8}{'llvm-mca':>10}{'ratio':>7}")
    for loop in loops[: arguments.loops]:
        own = loop["cycles"]["low"] * len(loop["code"]) / loop["instructions"]
        other = price_by_mca(loop["code"])
        name = f"{loop['function'][:24]} {loop['first']}"
        print(f"{name:<34}{len(loop['code']):>13}{own:>8.1f}{other:>10.1f}{own / other:>7.2f}")


if __name__ == "__main__":
    main()
