#!/usr/bin/env python3
"""Counts the bytes in which the reference executor differs from TensorFlow Lite, by operator.

    pip install ai-edge-litert tflite-micro numpy
    compare_with_tflite.py [--build build/release] [--count 100] [MODEL.tflite or folder ...]

Without models, makes random ones of one operator each (write_random_models). Runs every model on
random inputs through the reference executor (execute_model), through TensorFlow Lite Micro and
through LiteRT's reference kernels, and compares what every operator computes, found by the names of
tensors, and the outputs, in the last of a few inferences one after the other, as some keep state.
TensorFlow Lite Micro is what must be matched: exit code 1 if a byte differs from it, or from LiteRT
in a model that it does not run. LiteRT itself may differ: its FULLY_CONNECTED rounds once, so that
nothing defines one of int4 weights with a scale per channel, which TensorFlow Lite Micro refuses;
its UNIDIRECTIONAL_SEQUENCE_LSTM has other functions of 16 bits, and its reference SUM of int8 is
wrong. TensorFlow Lite Micro in turn surrounds maps with 0 instead of the zero point in
SPACE_TO_BATCH_ND, and makes one part of several where the batch is not fixed: LiteRT defines that.

--golden FILE writes hashes of the outputs for the first seeds of every operator, which the tests of
the reference executor compare with.
"""

import argparse
import collections
import json
import multiprocessing
import pathlib
import subprocess
import tempfile

import numpy as np

GOLDEN_SEEDS = 12
ARENA_BYTES = 16 << 20
TURNS = 3
MICRO, LITE = "tflite-micro", "litert"


def fnv1a(data):
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return f"{value:016x}"


def run_lite(model, inputs, turns):
    """The outputs, and all tensors with a name of their own by name."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    interpreter = Interpreter(
        model_content=model,
        experimental_op_resolver_type=OpResolverType.BUILTIN_REF,
        experimental_preserve_all_tensors=True,
    )
    interpreter.allocate_tensors()
    for _ in range(turns):
        for detail, data in zip(interpreter.get_input_details(), inputs):
            array = np.frombuffer(data, detail["dtype"]).reshape(detail["shape"])
            interpreter.set_tensor(detail["index"], array)
        interpreter.invoke()

    def contents(detail):
        return interpreter.get_tensor(detail["index"]).tobytes()

    operators = interpreter._get_ops_details()  # not public, but nothing else tells what is computed
    computed = {int(index) for operator in operators for index in operator["outputs"]}
    named = [(d["name"], d) for d in interpreter.get_tensor_details() if d["index"] in computed]
    return [contents(d) for d in interpreter.get_output_details()], only_unique(named, contents)


def run_micro(model, inputs, turns):
    from tflite_micro import runtime

    interpreter = runtime.Interpreter.from_bytes(
        model,
        arena_size=ARENA_BYTES,
        intrepreter_config=runtime.InterpreterConfig.kPreserveAllTensors,
    )
    for _ in range(turns):
        for index, data in enumerate(inputs):
            detail = interpreter.get_input_details(index)
            array = np.frombuffer(data, detail["dtype"]).reshape(detail["shape"])
            interpreter.set_input(array, index)
        interpreter.invoke()

    def contents(index):
        return interpreter.GetTensor(int(index), 0)["tensor_data"].tobytes()

    graph = runtime.convert_bytearray_to_object(model).subgraphs[0]
    computed = [int(index) for operator in graph.operators for index in operator.outputs]
    named = [(graph.tensors[index].name.decode(), index) for index in computed]
    return [contents(index) for index in graph.outputs], only_unique(named, contents)


def only_unique(named, contents):
    counts = collections.Counter(name for name, _ in named)
    return {name: contents(key) for name, key in named if counts[name] == 1}


RUNS = {MICRO: run_micro, LITE: run_lite}


class Case:
    """A model with inputs and what the reference executor makes of them."""

    def __init__(self, file, seed, turns):
        self.turns = turns
        self.name = f"{file.stem} {seed}"
        self.file = file
        self.seed = seed
        self.inputs = []
        self.tensors = []  # (operator or "output", name of the tensor, contents)
        self.refusal = None
        self.defined_by = None  # the first interpreter that runs it


def input_sizes(model):
    """(element type, elements) of every input."""
    from tflite_micro import runtime

    types = {0: np.float32, 2: np.int32, 3: np.uint8, 9: np.int8}  # the schema's TensorType
    graph = runtime.convert_bytearray_to_object(model).subgraphs[0]
    tensors = [graph.tensors[index] for index in graph.inputs]
    sizes = [int(np.prod([max(int(d), 1) for d in tensor.shape])) for tensor in tensors]
    return [(types.get(t.type, np.uint8), size) for t, size in zip(tensors, sizes)]


def random_input(random, kind, elements):
    if kind == np.float32:
        return random.uniform(-6, 6, elements).astype(np.float32).tobytes()
    return random.integers(0, 256, elements * np.dtype(kind).itemsize, dtype=np.uint8).tobytes()


def execute(case, program, folder):
    beside = sorted(case.file.parent.glob(case.file.stem + ".in?"))
    if beside:
        case.inputs = [path.read_bytes() for path in beside]
    else:
        random = np.random.default_rng(case.seed)
        sizes = input_sizes(case.file.read_bytes())
        case.inputs = [random_input(random, kind, elements) for kind, elements in sizes]
    files = [folder / f"in{i}" for i in range(len(case.inputs))]
    for file, data in zip(files, case.inputs):
        file.write_bytes(data)
    contents = folder / "out"
    process = subprocess.run(
        [program, case.file, str(case.turns), contents, *files], capture_output=True, text=True, check=False
    )
    if process.returncode != 0:
        case.refusal = process.stderr.strip() or f"execute_model ended with {process.returncode}"
        return
    data = contents.read_bytes()
    for line in map(json.loads, process.stdout.splitlines()):
        case.tensors.append((line["what"], line["tensor"], data[: line["bytes"]]))
        data = data[line["bytes"] :]


def run_cases(run, cases, pipe):
    for case in cases:
        try:
            result = run(case.file.read_bytes(), case.inputs, case.turns)
        except Exception as error:  # an interpreter's own errors have no common type
            result = str(error).strip().split("\n")[-1][:100]
        pipe.send(result)


def run_all(run, cases):
    """Yields (case, outputs and tensors, or a refusal), in other processes: interpreters crash."""
    cases = list(cases)
    while cases:
        here, there = multiprocessing.Pipe(duplex=False)
        process = multiprocessing.Process(target=run_cases, args=(run, cases, there))
        process.start()
        there.close()
        try:
            while cases:
                result = here.recv()
                yield cases.pop(0), result
        except EOFError:
            yield cases.pop(0), "crashed"
        process.join()


class Table:
    """Bytes compared and different, by operator and interpreter."""

    def __init__(self):
        self.rows = collections.defaultdict(collections.Counter)
        self.examples = {}
        self.is_matched = True

    def add(self, what, interpreter, case, own, other):
        row = self.rows[what, interpreter]
        row["tensors"] += 1
        row["bytes"] += len(own)
        different = abs(len(own) - len(other)) + sum(a != b for a, b in zip(own, other))
        row["different"] += different
        if different:
            self.examples.setdefault((what, interpreter), case.name)
            self.is_matched = self.is_matched and case.defined_by != interpreter

    def show(self):
        print(f"{'operator':32}{'interpreter':14}{'tensors':>9}{'bytes':>12}{'different':>11}")
        for (what, interpreter), row in sorted(self.rows.items()):
            example = self.examples.get((what, interpreter))
            print(
                f"{what:32}{interpreter:14}{row['tensors']:9}{row['bytes']:12}"
                f"{row['different']:11}" + (f"  in {example}" if example else "")
            )


def may_define(interpreter, case):
    return interpreter != LITE or not case.file.stem.startswith(("fully_connected", "sum"))


def compare(table, interpreter, case, outputs, tensors):
    own_outputs = [tensor for tensor in case.tensors if tensor[0] == "output"]
    for (what, _, own), other in zip(own_outputs, outputs):
        table.add(what, interpreter, case, own, other)
    names = collections.Counter(name for what, name, _ in case.tensors if what != "output")
    for what, name, own in case.tensors:
        if what != "output" and names[name] == 1 and name in tensors:
            table.add(what, interpreter, case, own, tensors[name])


def models_of(paths):
    for path in paths:
        yield from sorted(path.rglob("*.tflite")) if path.is_dir() else [path]


def find_program(build, name):
    for candidate in (build / "bin" / name, build / "tests" / "engine" / name):
        if candidate.exists():
            return candidate
    raise SystemExit(f"{build}: has no {name}; build that target first, or give --build")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", nargs="*", type=pathlib.Path)
    parser.add_argument("--build", type=pathlib.Path, default=pathlib.Path("build/release"))
    parser.add_argument("--count", type=int, default=100, help="random models per operator")
    parser.add_argument("--inputs", type=int, default=2, help="random inputs per given model")
    parser.add_argument("--golden", type=pathlib.Path)
    arguments = parser.parse_args()
    program = find_program(arguments.build, "execute_model")

    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        models, seeds = list(models_of(arguments.models)), range(arguments.inputs)
        if not arguments.models:
            writer = find_program(arguments.build, "write_random_models")
            subprocess.run([writer, folder / "models", str(arguments.count)], check=True)
            models, seeds = list(models_of([folder / "models"])), range(1)
        if not models:
            raise SystemExit("there is no model to compare")
        turns = 1 if arguments.golden else TURNS  # the tests look at the first one
        cases = [Case(model, seed, turns) for model in models for seed in seeds]
        for case in cases:
            execute(case, program, folder)
        for case in cases:
            if case.refusal and case.seed == 0:
                print(f"not executed: {case.refusal}")
        cases = [case for case in cases if not case.refusal]

        table = Table()
        golden = collections.defaultdict(dict)
        refusals = collections.Counter()
        for interpreter, run in RUNS.items():
            for case, result in run_all(run, cases):
                if isinstance(result, str):
                    refusals[interpreter, result] += 1
                    continue
                if case.defined_by is None and may_define(interpreter, case):
                    case.defined_by = interpreter
                compare(table, interpreter, case, *result)
                kind, _, seed = case.file.stem.rpartition("_")
                is_recorded = case.defined_by == interpreter and not kind.endswith("_rare")
                if arguments.golden and is_recorded and int(seed) < GOLDEN_SEEDS:
                    golden[kind][seed] = fnv1a(result[0][0])
    table.show()
    for (interpreter, reason), count in refusals.most_common():
        print(f"{interpreter} ran {count} fewer: {reason}")
    if arguments.golden:
        arguments.golden.write_text(json.dumps(golden, indent=1, sort_keys=True) + "\n")
    return 0 if table.is_matched else 1


if __name__ == "__main__":
    raise SystemExit(main())
