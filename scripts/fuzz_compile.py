#!/usr/bin/env python3
"""Compiles damaged and odd models all the way, and runs what comes out.

    scripts/fuzz_compile.py [--seconds 600] [--first SEED] [--models FOLDER] [--keep FOLDER]

Each case is a seed: it chooses a model of the folder (by default small random ones of every
operator), changes a few of its bytes, and gives it to `mcunet compile`. That must succeed, say that
the network does not fit, or refuse the file in one line. What compiles is run twice on random input:
its C on the host under AddressSanitizer and UBSan, its firmware in the emulator. Both must give the
bytes of the reference executor.

Prints a line for each finding and the counts at the end; exits with 1 if there is any finding.
--keep has the model of each finding, as SEED.tflite. --first S --cases 1 runs the case S again.
"""

import argparse
import collections
import json
import pathlib
import random
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
TIMEOUT = 120  # seconds, of one program

# Reads the inputs from standard input and prints the outputs' bytes, a line for each output.
HARNESS = """
#include <stdio.h>
#include "model.h"
int main(void) {
  for (int i = 0; i < MODEL_INPUTS; ++i) {
    const size_t size = (size_t)model_input_bytes(i);
    if (fread(model_input_at(i), 1, size, stdin) != size) return 1;
  }
  model_invoke();
  for (int i = 0; i < MODEL_OUTPUTS; ++i) {
    const signed char* bytes = (const signed char*)model_output(i);
    for (int b = 0; b < model_output_bytes(i); ++b) printf("%d ", bytes[b]);
    printf("\\n");
  }
  return 0;
}
"""

SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]


class Finding(Exception):
    """What should not have happened."""


def run(command, **options):
    """A finished process; a signal or a time-out is a finding."""
    name = pathlib.Path(str(command[0])).name
    try:
        done = subprocess.run(command, capture_output=True, timeout=TIMEOUT, **options)
    except subprocess.TimeoutExpired:
        raise Finding(f"{name} {command[1]}: took more than {TIMEOUT} s")
    if done.returncode < 0:
        raise Finding(f"{name} {command[1]}: was killed by signal {-done.returncode}")
    return done


def mutate(model, draw):
    """A few bytes changed, mostly to values that mean something somewhere."""
    model = bytearray(model)
    for _ in range(draw.choice([1, 1, 1, 2, 3, 8])):
        at = draw.randrange(len(model))
        kind = draw.randrange(5)
        if kind == 0:
            model[at] = draw.randrange(256)
        elif kind == 1:
            model[at] ^= 1 << draw.randrange(8)
        elif kind == 2:
            model[at] = draw.choice([0, 1, 2, 3, 127, 128, 254, 255])
        elif kind == 3:  # a whole word
            at &= ~3
            value = draw.choice([0, 1, 2, 3, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x7F800000])
            model[at : at + 4] = value.to_bytes(4, "little")
        else:  # a copy of another word
            at &= ~3
            other = draw.randrange(len(model)) & ~3
            model[at : at + 4] = model[other : other + 4]
    return bytes(model)


def compile_model(arguments, model, folder):
    """model.json of the compiled model; None if it was refused as it should be, or does not fit."""
    command = [arguments.programs / "mcunet", "compile", model, "--device", "stm32h743"]
    done = run(command + ["--out", folder, "--json"])
    errors = done.stderr.decode(errors="replace").splitlines()
    if done.returncode == 3:
        return None
    if done.returncode == 1:
        if len(errors) != 1 or not errors[0].startswith("mcunet: "):
            raise Finding(f"compile: was refused in {len(errors)} lines: {errors[:3]}")
        return None
    if done.returncode != 0:
        raise Finding(f"compile: exit code {done.returncode}: {errors[:3]}")
    return json.loads((folder / "model.json").read_text())


def outputs_on_host(folder, inputs):
    (folder / "harness.c").write_text(HARNESS)
    sources = [folder / "harness.c", folder / "model.c", folder / "weights.c"]
    sources += (folder / "kernels").glob("*.c")
    program = folder / "harness"
    flags = ["-std=c11", "-O1", "-g", "-w", *SANITIZERS, "-I", folder]
    done = run(["cc", "-o", program, *flags, *sources, "-lm"])
    if done.returncode != 0:
        raise Finding(f"the C does not compile: {done.stderr.decode(errors='replace')[:300]}")
    done = run([program, ""], input=inputs)
    if done.returncode != 0:
        raise Finding(f"on the host: {done.stderr.decode(errors='replace')[:600]}")
    return [[int(b) % 256 for b in line.split()] for line in done.stdout.decode().splitlines()]


def outputs_in_emulator(arguments, folder, inputs):
    """Those of the firmware, which must be the reference executor's."""
    files = []
    for tensor in json.loads((folder / "model.json").read_text())["inputs"]:
        width = {"float32": 4}.get(tensor["type"], 1)
        size = tensor["height"] * tensor["width"] * tensor["channels"] * width
        files.append(folder / f"input{len(files)}.bin")
        files[-1].write_bytes(inputs[:size])
        inputs = inputs[size:]
    command = [arguments.programs / "mcunet", "emulate", folder, "--json"]
    done = run(command + ["--input", ",".join(str(file) for file in files)])
    if done.returncode != 0:
        raise Finding(f"emulate: {done.stderr.decode(errors='replace')[:300]}")
    inference = json.loads(done.stdout)["inferences"][0]
    if inference["exact"] is not True:
        raise Finding("the firmware differs from the reference executor")
    return [[value % 256 for value in output] for output in inference["outputs"]]


def check(arguments, seed, models, scratch):
    """Runs one case; returns what became of it."""
    draw = random.Random(seed)
    source = draw.choice(models)
    contents = mutate(source.read_bytes(), draw) if seed % 16 else source.read_bytes()
    model = scratch / "model.tflite"
    model.write_bytes(contents)
    try:
        description = compile_model(arguments, model, scratch / "out")
        if description is None:
            return "refused"
        tensors = description["inputs"]
        if any(tensor["type"] != "int8" for tensor in tensors + description["outputs"]):
            return "compiled"  # the caller of the firmware converts
        size = sum(t["height"] * t["width"] * t["channels"] for t in tensors)
        inputs = draw.randbytes(size)
        on_host = outputs_on_host(scratch / "out", inputs)
        if on_host != outputs_in_emulator(arguments, scratch / "out", inputs):
            raise Finding("the host differs from the firmware")
        return "ran"
    except Finding as finding:
        print(f"seed {seed}, {source.name}: {finding}", flush=True)
        if arguments.keep:
            arguments.keep.mkdir(parents=True, exist_ok=True)
            (arguments.keep / f"{seed}.tflite").write_bytes(contents)
        return "findings"


def make_models(arguments, folder):
    command = [arguments.programs / "write_random_models", folder, "8"]
    subprocess.run(command, check=True)
    return folder


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--programs", type=pathlib.Path, default=ROOT / "build/release/bin")
    parser.add_argument("--models", type=pathlib.Path)
    parser.add_argument("--keep", type=pathlib.Path)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--cases", type=int, default=sys.maxsize, help="at most")
    parser.add_argument("--first", type=int, default=0, help="seed of the first case")
    arguments = parser.parse_args()

    counts = collections.Counter()
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="fuzz-compile-") as name:
        scratch = pathlib.Path(name)
        folder = arguments.models or make_models(arguments, scratch / "models")
        models = sorted(folder.glob("*.tflite"))
        seed = arguments.first
        while seed - arguments.first < arguments.cases:
            if time.monotonic() - start > arguments.seconds:
                break
            subprocess.run(["rm", "-rf", scratch / "out"], check=True)
            counts[check(arguments, seed, models, scratch)] += 1
            seed += 1
    print(f"{sum(counts.values())} cases: " + ", ".join(f"{n} {k}" for k, n in counts.items()))
    return 1 if counts["findings"] else 0


if __name__ == "__main__":
    sys.exit(main())
