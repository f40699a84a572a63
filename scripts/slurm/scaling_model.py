#!/usr/bin/env python3
"""How a training's step time depends on the number of GPUs, on paper.

    scaling_model.py [--images-per-second 3750] [--parameters 2028776] [--sub-networks 4] ...

A step of so many sub-networks takes the time that one GPU takes for its images, but no less than launching the kernels
does, and what is left of adding up the gradients once they no longer hide behind the backward pass: that of the last
sub-network of the last batch, in which buckets are sent as soon as they are full. Sums go round a ring: each
rank sends 2 (n - 1) / n times the gradients' bytes, in 2 (n - 1) messages.
"""
import argparse


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images-per-second", type=float, default=3750, help="of one GPU, all sub-networks of a step")
    parser.add_argument("--launch-ms", type=float, default=68, help="least time of a step, however few its images")
    parser.add_argument("--sub-networks", type=int, default=4)
    parser.add_argument("--parameters", type=int, default=2_028_776, help="float32 each")
    parser.add_argument("--images", type=int, default=2048, help="of a step, all ranks together")
    parser.add_argument("--gpus-per-node", type=int, default=8)
    parser.add_argument("--gigabytes-per-second", type=float, default=12.5, help="between nodes, per rank at a time")
    parser.add_argument("--gigabytes-per-second-within", type=float, default=50, help="between GPUs of a node")
    parser.add_argument("--message-us", type=float, default=15, help="latency of a message")
    parser.add_argument("--bucket-megabytes", type=float, default=1, help="the last one cannot hide")
    parser.add_argument("--ranks", type=int, nargs="+", default=[1, 8, 64, 512])
    return parser.parse_args()


def reduction_seconds(options, ranks, megabytes):
    """Of a ring that leads through all ranks, at the speed of its slowest link."""
    if ranks == 1:
        return 0.0
    within = ranks <= options.gpus_per_node
    speed = options.gigabytes_per_second_within if within else options.gigabytes_per_second
    return 2 * (ranks - 1) * (megabytes / 1e3 / ranks / speed + options.message_us / 1e6)


def step_seconds(options, ranks):
    """Compute, reduction alone, and what of it is waited for."""
    compute = max(options.images / ranks / options.images_per_second, options.launch_ms / 1e3)
    megabytes = 4 * options.parameters / 1e6
    buckets = max(1, round(megabytes / options.bucket_megabytes))
    reduction = buckets * reduction_seconds(options, ranks, megabytes / buckets)
    hiding = compute / options.sub_networks * 2 / 3
    waited = max(reduction - hiding, reduction / buckets)
    return compute, reduction, waited


def main():
    options = parse_arguments()
    alone = sum(step_seconds(options, 1)[::2])
    print(f"{options.images} images a step, {4 * options.parameters / 1e6:.1f} MB of gradients\n")
    print("GPUs  images each  compute ms  reduction ms  waited ms  images/s  efficiency")
    for ranks in options.ranks:
        compute, reduction, waited = step_seconds(options, ranks)
        step = compute + waited
        print(f"{ranks:4}  {options.images / ranks:11.0f}  {1e3 * compute:10.1f}  {1e3 * reduction:12.1f}  {1e3 * waited:9.1f}"
              f"  {options.images / step:8.0f}  {alone / step / ranks:9.0%}")


if __name__ == "__main__":
    main()
