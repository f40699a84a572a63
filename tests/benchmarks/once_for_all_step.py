#!/usr/bin/env python3
"""How fast Once-for-all's own code (PyPI's package `ofa`, Cai et al., ICLR 2020) trains the sub-networks that
supernet_benchmark does, on the same card:

    python3 once_for_all_step.py [--device cuda] [--batch 64] [--resolution 96] [--width 0.5] [--bf16] [--channels-last]

A step is what its ProgressiveShrinking does with a batch: four sub-networks drawn, their gradients added, one step of
SGD. The centre window of a kernel is taken as it is, as supernet_benchmark does. Prints the median of the rounds.
Needs torch, torchvision and ofa; neither is needed by anything else here.
"""
import argparse
import statistics
import sys
import time
import types

import torch

# A module that PyTorch has dropped, and the package's data loader, which is not used here, asks for.
sys.modules.setdefault("torch._six", types.SimpleNamespace(string_classes=(str,)))


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--resolution", type=int, default=96)
    parser.add_argument("--width", type=float, default=0.5)
    parser.add_argument("--subnets", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--bf16", action="store_true")
    parser.add_argument("--channels-last", action="store_true")
    parser.add_argument("--tune", action="store_true", help="cuDNN tries its algorithms for each new shape")
    return parser.parse_args()


def main():
    arguments = read_arguments()
    from ofa.imagenet_classification.elastic_nn.modules.dynamic_op import DynamicSeparableConv2d
    from ofa.imagenet_classification.elastic_nn.networks import OFAProxylessNASNets

    DynamicSeparableConv2d.KERNEL_TRANSFORM_MODE = None
    torch.backends.cudnn.benchmark = arguments.tune
    torch.manual_seed(1)
    network = OFAProxylessNASNets(
        n_classes=1000, dropout_rate=0, width_mult=arguments.width, ks_list=[3, 5, 7], expand_ratio_list=[3, 4, 6],
        depth_list=[2, 3, 4]).to(arguments.device)
    layout = torch.channels_last if arguments.channels_last else torch.contiguous_format
    network = network.to(memory_format=layout).train()
    optimizer = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-5)
    size = (arguments.batch, 3, arguments.resolution, arguments.resolution)
    images = torch.randn(size, device=arguments.device).to(memory_format=layout)
    labels = torch.randint(1000, (arguments.batch,), device=arguments.device)

    def wait():
        torch.zeros(1, device=arguments.device).item()

    def step():
        optimizer.zero_grad()
        for _ in range(arguments.subnets):
            network.sample_active_subnet()
            with torch.autocast(torch.device(arguments.device).type, torch.bfloat16, enabled=arguments.bf16):
                loss = torch.nn.functional.cross_entropy(network(images), labels)
            loss.backward()
        optimizer.step()

    for _ in range(5):
        step()
    seconds = []
    for _ in range(arguments.rounds):
        wait()
        start = time.perf_counter()
        step()
        wait()
        seconds.append(time.perf_counter() - start)
    rate = arguments.subnets * arguments.batch / statistics.median(seconds)
    print(f"once-for-all, {'bf16' if arguments.bf16 else 'fp32'}"
          f"{', channels last' if arguments.channels_last else ''}{', tuned' if arguments.tune else ''}: "
          f"{rate:.1f} images*sub-networks/s")


main()
