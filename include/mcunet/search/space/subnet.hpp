#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "mcunet/core/random.hpp"
#include "mcunet/search/space/network.hpp"
#include "mcunet/search/space/search_space.hpp"

namespace mcunet::search::space {

struct BlockGenes {
  std::int32_t kernel = 3;
  double expand_ratio = 1;
  std::int32_t weight_bits = 0;  // 4 or 8; 0: those that the job has for all networks

  bool operator==(const BlockGenes&) const = default;
};

// One member of a search space. `blocks` has room for the deepest network, stage after stage; the
// first `depths[s]` blocks of stage s are active. In the canonical form the others hold the first
// choices of their stage, so that equal networks have equal encodings; all functions here return
// that form.
struct Subnet {
  double width = 1;
  int resolution = 224;
  std::vector<std::int32_t> depths;  // per stage
  std::vector<BlockGenes> blocks;

  bool operator==(const Subnet&) const = default;
};

// Of the canonical form.
struct SubnetHash {
  std::size_t operator()(const Subnet& subnet) const;
};

// How often each network is drawn.
enum class Sampling {
  kUniformGenes,     // every gene uniform, as the published supernets are sampled
  kUniformNetworks,  // every distinct network equally often
};

// Refills `subnet`, keeping its memory.
void sample(const SearchSpace& space, Sampling sampling, RandomStream& random, Subnet& subnet);
Subnet sample(const SearchSpace& space, Sampling sampling, RandomStream& random);

// One that contains another of the same space: each gene is uniform among the choices that are no
// smaller than the other's.
Subnet sample_containing(const SearchSpace& space, const Subnet& contained, RandomStream& random);

BlockGenes sample_block(const Stage& stage, RandomStream& random);

Subnet canonical(const SearchSpace& space, Subnet subnet);

// Throws Error, naming `source` and the gene, if a value is none of the space's choices.
void require_member(const SearchSpace& space, const Subnet& subnet, const std::string& source);

// All networks that differ in one gene: a block's kernel, expansion or weight bits, a stage's depth
// (blocks that appear take the first choices), the width or the resolution.
std::vector<Subnet> neighbours(const SearchSpace& space, const Subnet& subnet);

// Every gene at its largest or smallest value.
Subnet largest(const SearchSpace& space);
Subnet smallest(const SearchSpace& space);

// The space whose only member builds the same network: each of its blocks is a stage of its own. So
// whatever trains a space can train one network.
SearchSpace space_of(const SearchSpace& space, const Subnet& subnet);

// The network that a member of the space stands for. Refills `network`, keeping its memory.
void build_network(const SearchSpace& space, const Subnet& subnet, Network& network);
Network build_network(const SearchSpace& space, const Subnet& subnet);

}  // namespace mcunet::search::space
