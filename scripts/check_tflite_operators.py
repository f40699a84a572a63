#!/usr/bin/env python3
"""Compares the reference executor with TensorFlow Lite's interpreters, operator by operator.

    pip install ai-edge-litert tflite-micro numpy
    write_random_models FOLDER 200
    check_tflite_operators.py FOLDER [--golden FILE.json]

FOLDER holds random models of one operator with inputs and outputs. Prints, for TensorFlow Lite's
reference kernels and for TensorFlow Lite Micro's, how many models agree in every byte. --golden
writes the hashes of their outputs for the first 12 seeds of every operator.
"""

import argparse
import collections
import json
import multiprocessing
import pathlib

import numpy as np

GOLDEN_SEEDS = 12


def fnv1a(data):
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return f"{value:016x}"


def run_lite(model, inputs):
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    interpreter = Interpreter(
        model_content=model, experimental_op_resolver_type=OpResolverType.BUILTIN_REF
    )
    interpreter.allocate_tensors()
    for detail, data in zip(interpreter.get_input_details(), inputs):
        array = np.frombuffer(data, detail["dtype"]).reshape(detail["shape"])
        interpreter.set_tensor(detail["index"], array)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"]).tobytes()


def run_micro(model, inputs):
    from tflite_micro import runtime

    interpreter = runtime.Interpreter.from_bytes(model, arena_size=1 << 20)
    for index, data in enumerate(inputs):
        detail = interpreter.get_input_details(index)
        array = np.frombuffer(data, detail["dtype"]).reshape(detail["shape"])
        interpreter.set_input(array, index)
    interpreter.invoke()
    return interpreter.get_output(0).tobytes()


def compare(run, model, inputs, expected):
    """'equal', 'different by N' of one step at most or more, or the interpreter's refusal."""
    try:
        output = run(model, inputs)
    except Exception as error:  # an interpreter's own errors have no common type
        return None, "refused: " + str(error).strip().split("\n")[-1][:90]
    if output == expected:
        return output, "equal"
    if len(output) != len(expected):
        return output, "different size"
    steps = np.abs(
        np.frombuffer(output, np.int8).astype(int) - np.frombuffer(expected, np.int8).astype(int)
    )
    return output, "different by 1" if steps.max() == 1 else "different"


def compare_files(run, files, pipe):
    for file in files:
        inputs = [path.read_bytes() for path in sorted(file.parent.glob(file.stem + ".in?"))]
        expected = file.with_suffix(".out").read_bytes()
        output, result = compare(run, file.read_bytes(), inputs, expected)
        pipe.send((file, None if output is None else fnv1a(output), result))


def compare_all(run, files):
    """Yields (file, hash of the output, result), in processes of their own: interpreters crash."""
    files = list(files)
    while files:
        here, there = multiprocessing.Pipe(duplex=False)
        process = multiprocessing.Process(target=compare_files, args=(run, files, there))
        process.start()
        there.close()
        try:
            while files:
                yield here.recv()
                files.pop(0)
        except EOFError:
            yield files.pop(0), None, "crashed"
        process.join()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--golden", type=pathlib.Path)
    arguments = parser.parse_args()

    counts = collections.defaultdict(collections.Counter)
    examples = {}
    golden = collections.defaultdict(dict)
    files = sorted(arguments.folder.glob("*.tflite"))
    for name, run in (("lite", run_lite), ("micro", run_micro)):
        for file, output, result in compare_all(run, files):
            kind, seed = file.stem.rsplit("_", 1)
            counts[kind, name][result] += 1
            examples.setdefault((kind, name, result), file.stem)
            if output is not None and int(seed) < GOLDEN_SEEDS:
                if golden[kind].setdefault(seed, output) != output:
                    raise SystemExit(f"{file.stem}: the interpreters disagree")
    for (kind, name), results in sorted(counts.items()):
        shown = ", ".join(
            f"{count} {result}" + ("" if result == "equal" else f" ({examples[kind, name, result]})")
            for result, count in results.most_common()
        )
        print(f"{kind:24} {name:6} {shown}")
    if arguments.golden:
        arguments.golden.write_text(json.dumps(golden, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
