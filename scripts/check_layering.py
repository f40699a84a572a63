#!/usr/bin/env python3
"""Checks that every #include in the tree respects the architecture.

Usage: check_layering.py SOURCE_DIR

A module may include its own headers and those of the modules that it stands on; some libraries are
kept out of some modules. Prints one line per violation and exits 1 if there is any.
"""

import pathlib
import re
import sys

# Module: (folder, public headers, modules it may include, libraries it must not include).
TORCH = ("torch/", "ATen/", "c10/")
OPENCV = ("opencv2/",)
TBB = ("tbb/", "oneapi/")


def engine_rooms(rooms):
    """The rooms of the engine, from the ground up: each with the rooms that it may include."""
    return {
        f"engine/{room}": (
            f"engine/{room}",
            ("core", *(f"engine/{other}" for other in others)),
            TORCH + OPENCV + TBB,
        )
        for room, others in rooms.items()
    }


# The families of kernels: what they share lies in their common folder.
KERNEL_FAMILIES = ("activations", "convolution", "depthwise", "elementwise", "layout", "pooling", "streaming")

MODULES = {
    "core": ("src/core", (), TORCH + OPENCV + TBB),
    # pack.c lays out the weights of both kinds of convolution.
    "engine/kernels": ("engine/kernels", ("engine/kernels/convolution", "engine/kernels/depthwise"), None),
    **{
        f"engine/kernels/{family}": (f"engine/kernels/{family}", ("engine/kernels",), None)
        for family in KERNEL_FAMILIES
    },
    **engine_rooms(
        {
            "graph": (),
            "arithmetic": ("graph",),
            "reference": ("graph", "arithmetic"),
            "quantization": ("graph", "arithmetic"),
            "tflite": ("graph",),
            "timing": ("graph",),
            "planning": ("graph", "timing", "kernels"),
            "codegen": ("graph", "arithmetic", "reference", "planning", "kernels"),
        }
    ),
    "search/space": ("search/space", ("core", "engine"), TORCH + OPENCV + TBB),
    "search": ("search", ("core", "engine", "search/space"), TORCH + OPENCV),
    "cycles": ("cycles", ("core",), TORCH + OPENCV + TBB),
    "deploy": ("deploy", ("core", "cycles", "engine"), TORCH + OPENCV + TBB),
    # The spectrogram that training sees is the one that the firmware computes: the same C.
    "datasets": ("datasets", ("core", "engine/kernels"), TORCH + TBB),
    "supernet": ("supernet", ("core", "search/space", "datasets"), ()),
    "report": ("src/app/report", ("core", "search", "search/space", "engine"), TORCH + OPENCV),
    "pipeline": (
        "src/app/pipeline",
        ("core", "engine", "search/space", "search", "cycles", "deploy", "datasets", "supernet", "report"),
        (),
    ),
    "cli": (
        "src/app/cli",
        ("core", "engine", "search/space", "search", "cycles", "deploy", "pipeline", "report"),
        TORCH + OPENCV,
    ),
}
# Only what a kernel on a microcontroller may see.
KERNEL_HEADERS = re.compile(r"^(stdint|stddef|stdbool|string|limits|arm_acle)\.h$")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)
SUFFIXES = {".cpp", ".hpp", ".c", ".h"}


def longest_match(path, folders):
    """The module whose folder is the longest prefix of the path."""
    found = [m for m, folder in folders.items() if path == folder or path.startswith(folder + "/")]
    return max(found, key=lambda m: len(folders[m]), default=None)


def module_of_file(relative):
    sources = {m: spec[0] for m, spec in MODULES.items()}
    headers = {m: "include/mcunet/" + m for m in MODULES}
    return longest_match(relative, headers) or longest_match(relative, sources)


def module_of_include(target, source, root):
    """The module that an include leads to; None for what lies outside the project."""
    if target.startswith("mcunet/"):
        return module_of_file("include/" + target)
    kernels = root / "engine/kernels"
    families = [kernels / family for family in KERNEL_FAMILIES]
    for base in (source.parent, root / "src/app", root / "engine", kernels, *families):
        if (base / target).is_file():
            return module_of_file((base / target).resolve().relative_to(root).as_posix())
    return None


def may_include(module, other, allowed):
    """`engine` stands for all of its rooms but the kernels."""
    if other == module or other in allowed:
        return True
    return "engine" in allowed and other.startswith("engine/") and "kernels" not in other


def violations_in(source, root):
    relative = source.relative_to(root).as_posix()
    module = module_of_file(relative)
    if module is None:
        yield f"{relative}: belongs to no module"
        return
    _, allowed, forbidden = MODULES[module]
    for match in INCLUDE.finditer(source.read_text(encoding="utf-8")):
        target = match.group(2)
        line = source.read_text(encoding="utf-8").count("\n", 0, match.start()) + 1
        other = module_of_include(target, source, root)
        if other is None:
            if forbidden is None:
                if match.group(1) == "<" and not KERNEL_HEADERS.match(target):
                    yield f"{relative}:{line}: a kernel must not include <{target}>"
            elif target.startswith(forbidden):
                yield f"{relative}:{line}: {module} must not include <{target}>"
        elif not may_include(module, other, allowed):
            yield f"{relative}:{line}: {module} must not include {other} ({target})"


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    root = pathlib.Path(sys.argv[1]).resolve()
    folders = ("include", "src", "engine", "search", "cycles", "deploy", "datasets", "supernet")
    sources = [
        path
        for folder in folders
        for path in sorted((root / folder).rglob("*"))
        if path.suffix in SUFFIXES
    ]
    if not sources:
        sys.exit(f"{root}: holds no sources")
    violations = [line for source in sources for line in violations_in(source, root)]
    for line in violations:
        print(line)
    print(f"{len(sources)} files, {len(violations)} violations")
    sys.exit(1 if violations else 0)


if __name__ == "__main__":
    main()
