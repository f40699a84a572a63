#!/usr/bin/env python3
"""Compares networks that mcunet loads from PyTorch's state dictionaries with what PyTorch computes.

    pip install torch onnxruntime numpy
    compare_with_pytorch.py [--mcunet build/release/bin/mcunet] NET.json or folder ...

Builds each network JSON as a module whose parameters have the names that the published MCUNet models have,
fills it with random weights and statistics, and saves it as a state dictionary, as a checkpoint that has it
beside a training's other state, as several GPUs name it, and as PyTorch did before 1.6. A job without training takes these to
network.onnx; ONNX Runtime's outputs for random images are compared with PyTorch's. Exit code 1 if they differ
by more than a ten-thousandth of their range, or if the forms do not come to the same weights.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import onnxruntime
import torch
from torch import nn

IMAGES = 8
MOST_DIFFERENCE = 1e-4  # of the range of the outputs

# More memory than any network needs, so that every one is exported.
JOB = """
device:
  extends: stm32h743
  flash: {{origin: 0x08000000, size_kib: 32768}}
  sram_banks:
    - {{name: DTCM, origin: 0x20000000, size_kib: 128}}
    - {{name: AXI, origin: 0x24000000, size_kib: 32768}}
space: {net}
dataset: {{kind: synthetic-images,
  synthetic: {{examples: 32, held_out_examples: 32, classes: {outputs}}}}}
train: {{largest_epochs: 0, initial_weights: {weights}, batch_size: 16}}
finetune: {{epochs: 0}}
quantization: {{calibration_images: 8, selection_images: 8}}
export: {{emulated_examples: 0, test_examples: 8}}
"""


class Layer(nn.Module):
    """A convolution, batch normalization and, unless it is linear, ReLU6."""

    def __init__(self, inputs, outputs, norm, kernel=1, stride=1, groups=1, is_linear=False):
        super().__init__()
        self.conv = nn.Conv2d(
            inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False
        )
        self.bn = nn.BatchNorm2d(outputs, **norm)
        self.is_linear = is_linear

    def forward(self, images):
        hidden = self.bn(self.conv(images))
        return hidden if self.is_linear else nn.functional.relu6(hidden)


class Block(nn.Module):
    def __init__(self, description, norm):
        super().__init__()
        layer = description["mobile_inverted_conv"]
        self.mobile_inverted_conv = None
        if layer is not None and layer["name"] != "ZeroLayer":
            self.mobile_inverted_conv = nn.ModuleDict(self.layers(layer, norm))
        self.has_shortcut = description["shortcut"] is not None

    @staticmethod
    def layers(layer, norm):
        inputs, outputs, ratio = layer["in_channels"], layer["out_channels"], layer["expand_ratio"]
        hidden = layer.get("mid_channels") or round(inputs * ratio)
        window = {"kernel": layer["kernel_size"], "stride": layer["stride"]}
        if ratio != 1:
            yield "inverted_bottleneck", Layer(inputs, hidden, norm)
        yield "depth_conv", Layer(hidden, hidden, norm, groups=hidden, **window)
        yield "point_linear", Layer(hidden, outputs, norm, is_linear=True)

    def forward(self, images):
        if self.mobile_inverted_conv is None:
            return images
        hidden = images
        for layer in self.mobile_inverted_conv.values():
            hidden = layer(hidden)
        return images + hidden if self.has_shortcut else hidden


class Network(nn.Module):
    def __init__(self, description):
        super().__init__()
        norm = {key: description["bn"][key] for key in ("eps", "momentum")}
        stem, mix, head = (
            description.get(key) for key in ("first_conv", "feature_mix_layer", "classifier")
        )
        self.first_conv = Layer(
            stem["in_channels"], stem["out_channels"], norm, stem["kernel_size"], stem["stride"]
        )
        self.blocks = nn.ModuleList(Block(block, norm) for block in description["blocks"])
        self.feature_mix_layer = Layer(mix["in_channels"], mix["out_channels"], norm) if mix else None
        self.classifier = nn.ModuleDict(
            {"linear": nn.Linear(head["in_features"], head["out_features"])}
        )

    def forward(self, images):
        features = self.first_conv(images)
        for block in self.blocks:
            features = block(features)
        if self.feature_mix_layer is not None:
            features = self.feature_mix_layer(features)
        return self.classifier["linear"](features.mean((2, 3)))


def random_images(description):
    side = description["resolution"]
    return torch.rand(IMAGES, description["first_conv"]["in_channels"], side, side) * 2 - 1


def random_network(description):
    """With the statistics of random images, moved a little, so that no layer is blind."""
    network = Network(description)
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out")
    for norm in norms:
        nn.init.uniform_(norm.weight, 0.5, 1.5)
        nn.init.normal_(norm.bias, 0, 0.5)
    usual = [norm.momentum for norm in norms]
    with torch.no_grad():
        for norm in norms:
            norm.momentum = 1
        network.train()(random_images(description))
        for norm, momentum in zip(norms, usual):
            norm.momentum = momentum
            norm.running_mean += 0.1 * torch.randn_like(norm.running_mean)
            norm.running_var *= 0.5 + torch.rand_like(norm.running_var)
    return network.eval()


def checkpoint_of(network):
    """As a training keeps it, after one step of no length."""
    optimizer = torch.optim.SGD(network.parameters(), lr=0.0, momentum=0.9)
    for parameter in network.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    return {
        "epoch": 7,
        "best_acc": 61.5,
        "arch": "mcunet",
        "optimizer": optimizer.state_dict(),
        "state_dict": network.state_dict(),
    }


def save_forms(network, folder):
    """The name of each form and its file."""
    state = network.state_dict()
    of_parallel = {"state_dict": {"module." + name: tensor for name, tensor in state.items()}}
    forms = {
        "state dictionary": (state, {}),
        "checkpoint": (checkpoint_of(network), {}),
        "of several GPUs": (of_parallel, {}),
        "before PyTorch 1.6": (checkpoint_of(network), {"_use_new_zipfile_serialization": False}),
    }
    for number, (form, (contents, options)) in enumerate(forms.items()):
        file = folder / f"{number}.pth"
        torch.save(contents, file, **options)
        yield form, file


def run(mcunet, command, job, out):
    process = subprocess.run(
        [mcunet, "-q", command, job, "--out", out], capture_output=True, text=True, check=False
    )
    if process.returncode != 0:
        sys.exit(f"mcunet {command}: {process.stderr.strip()}")


def compare(mcunet, file, folder):
    """The greatest difference of the outputs, and their range."""
    description = json.loads(file.read_text())
    network = random_network(description)
    weights = []
    for form, saved in save_forms(network, folder):
        job, out = saved.with_suffix(".yaml"), saved.with_suffix("")
        outputs = description["classifier"]["out_features"]
        job.write_text(JOB.format(net=file.resolve(), weights=saved, outputs=outputs))
        run(mcunet, "train" if weights else "run", job, out)
        weights.append(torch.load(out / "supernet.pt", weights_only=True))
        if any(not torch.equal(weights[0][name], tensor) for name, tensor in weights[-1].items()):
            sys.exit(f"{file.name}: other weights of the form: {form}")
    images = random_images(description)
    with torch.no_grad():
        expected = network(images).numpy()
    session = onnxruntime.InferenceSession(folder / "0/network.onnx")
    name = session.get_inputs()[0].name
    own = np.concatenate([session.run(None, {name: image})[0] for image in images.numpy()[:, None]])
    return float(np.abs(own - expected).max()), float(np.ptp(expected))


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("networks", nargs="+", type=pathlib.Path, metavar="NET.json or folder")
    parser.add_argument("--mcunet", default="build/release/bin/mcunet")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    torch.manual_seed(arguments.seed)
    files = []
    for path in arguments.networks:
        files += sorted(path.glob("*.json")) if path.is_dir() else [path]
    is_same = True
    print(f"{'network':36}{'range':>10}{'difference':>12}{'of the range':>14}")
    for file in files:
        with tempfile.TemporaryDirectory() as folder:
            difference, extent = compare(arguments.mcunet, file, pathlib.Path(folder))
        is_same = is_same and difference <= MOST_DIFFERENCE * extent
        print(f"{file.stem:36}{extent:10.2f}{difference:12.2e}{difference / extent:14.1e}", flush=True)
    sys.exit(0 if is_same else 1)


if __name__ == "__main__":
    main()
