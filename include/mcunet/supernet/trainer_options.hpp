#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mcunet/core/config.hpp"
#include "mcunet/supernet/precision.hpp"

// How a supernet is trained. No libtorch here: every command reads experiments.
namespace mcunet::supernet {

// Which sub-networks learn from a batch; their gradients are added up.
enum class Sampler {
  kLargest,   // the largest alone
  kRandom,    // `subnets_per_batch` random ones (paper, Appendix D)
  kSandwich,  // the largest, the smallest, and random ones between them (BigNAS)
};

// What an example counts in the loss, or an object, by its class.
enum class ClassWeights {
  kNone,      // all the same
  kBalanced,  // in inverse proportion to the examples of its class; an object to the root of that
};

// How the learning rate goes on from the largest network's epochs to those of all sub-networks.
enum class Schedule {
  kPhases,  // anew, and without momentum (paper, Appendix D)
  // One fall over all epochs, each phase's from its own height: the largest is half trained when it begins
  // to shrink, and learns on with the others (DepS, Annavajjala et al., ECCV 2024).
  kWhole,
};

// A stretch of the training.
struct Phase {
  std::string name;
  int epochs = 0;
  Sampler sampler = Sampler::kLargest;
  double learning_rate = 0;  // per 256 images; the highest of its schedule
  int epochs_before = 0;     // of the same schedule
  int schedule_epochs = 0;
  bool sorts_channels = false;  // by importance, before the first step
};

// The defaults are the recipe of the paper (Appendix D, E) for ImageNet.
struct TrainerOptions {
  int largest_epochs = 150;
  int elastic_epochs = 300;
  Sampler elastic_sampler = Sampler::kRandom;
  int subnets_per_batch = 4;
  bool distillation = false;  // with the sandwich: the others learn the largest's probabilities

  int batch_size = 64;
  int gradient_accumulation = 1;  // batches per step
  double learning_rate = 0.05;    // per 256 images of a step, all processes together
  double elastic_learning_rate = 0.05;
  Schedule schedule = Schedule::kPhases;
  double warmup_epochs = 0;  // of each schedule: the rate rises linearly
  double momentum = 0.9;
  bool nesterov = false;
  double weight_decay = 5e-5;
  bool decay_norm_and_bias = true;
  double label_smoothing = 0;
  ClassWeights class_weights = ClassWeights::kNone;
  double clip_gradient_norm = 0;  // 0: no clipping
  double dropout = 0;             // share of the classifier's inputs
  double ema_decay = 0;  // of averaged weights, which are then evaluated and saved; 0: none

  // A phase ends when so many epochs, after each of which the search split is then measured, brought no
  // better accuracy, and leaves the weights of its best epoch. 0: it has all its epochs, and the last
  // weights.
  int early_stopping_patience = 0;

  bool learned_kernel_transforms = false;
  bool zero_residual_scale = false;  // residual blocks begin as the identity
  Precision precision = Precision::kFloat32;

  std::string device = "auto";  // cpu, cuda, cuda:INDEX, auto
  int threads = 0;              // of libtorch on the CPU; 0: one per core
  int data_workers = 2;         // threads that decode
  int log_interval_steps = 10;
  int eval_interval_epochs = 10;      // 0: at the end of a phase only
  int checkpoint_interval_steps = 0;  // 0: by minutes only
  double checkpoint_interval_minutes = 10;
};

// The weights of the parts of a detector's loss, and when a box without an object is no mistake. The
// defaults are those of YOLOv2.
struct DetectionLossOptions {
  double box = 1;        // squared errors of place and of logarithmic size, of each object
  double object = 5;     // squared error of the objectness, of each object
  double no_object = 1;  // of each box that has none
  double classes = 1;    // cross-entropy, of each object
  double overlap = 0.6;  // with an object, from which on a box that was not meant for it is let be
};

// The keys of the section `detection.loss` of an experiment.
std::vector<Field> fields_of(DetectionLossOptions& options);

// The keys of the section `train` of an experiment.
std::vector<Field> fields_of(TrainerOptions& options);

// The keys that may change when a training is resumed: the weights do not depend on them.
std::vector<std::string> keys_without_influence();

// The largest sub-network first, then, if there are elastic epochs, all of them.
std::vector<Phase> phases_of(const TrainerOptions& options);

}  // namespace mcunet::supernet
