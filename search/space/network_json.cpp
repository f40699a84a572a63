#include <cmath>
#include <nlohmann/json.hpp>

#include "mcunet/core/error.hpp"
#include "mcunet/core/json_text.hpp"
#include "mcunet/core/names.hpp"
#include "mcunet/search/space/network.hpp"

// The JSON of the published MCUNet and ProxylessNAS models.
namespace mcunet::search::space {
namespace {

using Json = nlohmann::ordered_json;

// A JSON value that knows where it stands, so that an error can name the place.
struct Place {
  const Json& json;
  std::string path;

  [[noreturn]] void fail(const std::string& message) const { throw Error("{}: {}", path, message); }

  Place operator[](const std::string& key) const {
    if (!json.is_object() || !json.contains(key)) fail("lacks " + key);
    return {json[key], path + "." + key};
  }

  bool has(const std::string& key) const {
    return json.is_object() && json.contains(key) && !json[key].is_null();
  }

  int integer(int min, int max) const {
    if (!json.is_number_integer()) fail("must be an integer, is " + json.dump());
    const auto value = json.get<std::int64_t>();
    if (value < min || value > max) {
      fail(fmt::format("must be between {} and {}, is {}", min, max, value));
    }
    return static_cast<int>(value);
  }

  double number(double min, double max) const {
    if (!json.is_number()) fail("must be a number, is " + json.dump());
    const auto value = json.get<double>();
    if (!(value >= min && value <= max)) {
      fail(fmt::format("must be between {} and {}, is {}", min, max, value));
    }
    return value;
  }

  void expect(const std::string& key, const Json& expected) const {
    if (has(key) && json[key] != expected) {
      fail(key + " must be " + expected.dump() + ", is " + json[key].dump());
    }
  }
};

constexpr int kMaxChannels = 65536;

engine::Activation read_activation(const Place& layer) {
  const Place name = layer["act_func"];
  if (name.json == "relu6") return engine::Activation::kRelu6;
  if (name.json == "relu") return engine::Activation::kRelu;
  name.fail("must be relu or relu6, is " + name.json.dump());
}

const char* name_of(engine::Activation activation) {
  return activation == engine::Activation::kRelu ? "relu" : "relu6";
}

// A block of nothing but its shortcut stands for no block at all.
bool is_identity(const Place& block) {
  const Place layer = block["mobile_inverted_conv"];
  const bool is_empty =
      layer.json.is_null() || (layer.has("name") && layer.json["name"] == "ZeroLayer");
  if (is_empty && !block.has("shortcut")) block.fail("has neither a convolution nor a shortcut");
  return is_empty;
}

InvertedResidual read_block(const Place& place, int in_channels, engine::Activation activation) {
  const Place layer = place["mobile_inverted_conv"];
  layer.expect("use_se", false);
  InvertedResidual block;
  block.in_channels = layer["in_channels"].integer(1, kMaxChannels);
  block.out_channels = layer["out_channels"].integer(1, kMaxChannels);
  block.kernel = layer["kernel_size"].integer(1, 31);
  block.stride = layer["stride"].integer(1, 8);
  block.expand_ratio = layer["expand_ratio"].number(1, 64);
  block.has_residual = place.has("shortcut");
  if (layer.has("weight_bits")) {
    block.weight_bits = layer["weight_bits"].integer(4, 8);
    if (block.weight_bits != 4 && block.weight_bits != 8) layer.fail("weight_bits must be 4 or 8");
  }
  if (block.kernel % 2 == 0) layer.fail("kernel_size must be odd");
  if (block.in_channels != in_channels) {
    layer.fail(fmt::format("in_channels must be {}, what the layer before gives, is {}",
                           in_channels, block.in_channels));
  }
  block.mid_channels = layer.has("mid_channels")
                           ? layer["mid_channels"].integer(1, kMaxChannels)
                           : static_cast<int>(std::lround(in_channels * block.expand_ratio));
  if (block.expand_ratio == 1 && block.mid_channels != in_channels) {
    layer.fail("mid_channels must equal in_channels where expand_ratio is 1");
  }
  if (block.has_residual && (block.stride != 1 || block.in_channels != block.out_channels)) {
    place.fail("has a shortcut although its input and output differ in shape");
  }
  if (layer.has("act_func") && read_activation(layer) != activation)
    layer.fail("act_func must be that of first_conv");
  return block;
}

void read_stem(const Place& stem, Network& network) {
  stem.expect("dilation", 1);
  stem.expect("groups", 1);
  network.image_channels = stem["in_channels"].integer(1, kMaxChannels);
  network.stem_channels = stem["out_channels"].integer(1, kMaxChannels);
  network.stem_kernel = stem["kernel_size"].integer(1, 31);
  network.stem_stride = stem["stride"].integer(1, 8);
  network.activation = read_activation(stem);
}

Json write_convolution(int in, int out, int kernel, int stride, engine::Activation activation) {
  return {{"name", "ConvLayer"},
          {"kernel_size", kernel},
          {"stride", stride},
          {"dilation", 1},
          {"groups", 1},
          {"bias", false},
          {"has_shuffle", false},
          {"in_channels", in},
          {"out_channels", out},
          {"use_bn", true},
          {"act_func", name_of(activation)},
          {"dropout_rate", 0},
          {"ops_order", "weight_bn_act"}};
}

Json write_block(const InvertedResidual& block, engine::Activation activation) {
  const Json expand = block.expand_ratio == std::floor(block.expand_ratio)
                          ? Json(static_cast<int>(block.expand_ratio))
                          : Json(block.expand_ratio);
  Json json;
  json["name"] = "MobileInvertedResidualBlock";
  json["mobile_inverted_conv"] = {{"name", "MBInvertedConvLayer"},
                                  {"in_channels", block.in_channels},
                                  {"out_channels", block.out_channels},
                                  {"kernel_size", block.kernel},
                                  {"stride", block.stride},
                                  {"expand_ratio", expand},
                                  {"mid_channels", block.mid_channels},
                                  {"act_func", name_of(activation)},
                                  {"use_se", false}};
  if (block.weight_bits != 0) json["mobile_inverted_conv"]["weight_bits"] = block.weight_bits;
  json["shortcut"] = nullptr;
  if (block.has_residual) {
    json["shortcut"] = {{"name", "IdentityLayer"},
                        {"in_channels", {block.in_channels}},
                        {"out_channels", {block.out_channels}},
                        {"use_bn", false},
                        {"act_func", nullptr},
                        {"dropout_rate", 0},
                        {"ops_order", "weight_bn_act"}};
  }
  return json;
}

// Ours: the published networks are square, and do not say so.
Form read_form(const Place& form) {
  if (form.json == "square") return Form::kSquare;
  if (form.json == "line") return Form::kLine;
  form.fail("must be square or line, is " + form.json.dump());
}

Head read_head(const Place& head) {
  if (head.json == "pooled") return Head::kPooled;
  if (head.json == "grid") return Head::kGrid;
  head.fail("must be pooled or grid, is " + head.json.dump());
}

std::string read_name(const Place& root) {
  if (!root.has("name")) return "unnamed";
  const Place name = root["name"];
  if (!name.json.is_string() || !is_plain_name(name.json.get<std::string>())) {
    name.fail("must be a plain name, as search spaces have, is " +
              name.json.dump(-1, ' ', false, Json::error_handler_t::replace).substr(0, 100));
  }
  return name.json;
}

}  // namespace

Network network_from_json(std::string_view text, const std::string& source) {
  const Json json = parse_json(text, source);
  const Place root{json, source};
  Network network;
  network.name = read_name(root);
  network.resolution = root["resolution"].integer(8, 4096);
  if (root.has("form")) network.form = read_form(root["form"]);
  if (root.has("head")) network.head = read_head(root["head"]);
  if (root.has("bn")) {
    root["bn"].expect("ws_eps", nullptr);  // standardized weights
    network.batch_norm_epsilon = root["bn"]["eps"].number(1e-12, 1);
    network.batch_norm_momentum = root["bn"]["momentum"].number(0, 1);
  }
  read_stem(root["first_conv"], network);
  int channels = network.stem_channels;
  const Place blocks = root["blocks"];
  if (!blocks.json.is_array()) blocks.fail("must be a list");
  for (std::size_t i = 0; i < blocks.json.size(); ++i) {
    const Place block{blocks.json[i], fmt::format("{}[{}]", blocks.path, i)};
    if (is_identity(block)) continue;
    network.blocks.push_back(read_block(block, channels, network.activation));
    channels = network.blocks.back().out_channels;
  }
  if (root.has("feature_mix_layer")) {
    const Place mix = root["feature_mix_layer"];
    if (mix["in_channels"].integer(1, kMaxChannels) != channels) {
      mix.fail(fmt::format("in_channels must be {}", channels));
    }
    channels = mix["out_channels"].integer(1, kMaxChannels);
    network.feature_mix_channels = channels;
  }
  const Place classifier = root["classifier"];
  if (classifier["in_features"].integer(1, kMaxChannels) != channels) {
    classifier.fail(fmt::format("in_features must be {}", channels));
  }
  network.outputs = classifier["out_features"].integer(1, 1'000'000);
  return network;
}

std::string network_to_json(const Network& network) {
  Json json;
  json["name"] = network.name;
  json["bn"] = {{"momentum", network.batch_norm_momentum}, {"eps", network.batch_norm_epsilon}};
  json["first_conv"] =
      write_convolution(network.image_channels, network.stem_channels, network.stem_kernel,
                        network.stem_stride, network.activation);
  json["blocks"] = Json::array();
  int channels = network.stem_channels;
  for (const InvertedResidual& block : network.blocks) {
    json["blocks"].push_back(write_block(block, network.activation));
    channels = block.out_channels;
  }
  json["feature_mix_layer"] = nullptr;
  if (network.feature_mix_channels) {
    json["feature_mix_layer"] =
        write_convolution(channels, *network.feature_mix_channels, 1, 1, network.activation);
    channels = *network.feature_mix_channels;
  }
  json["classifier"] = {{"name", "LinearLayer"},
                        {"in_features", channels},
                        {"out_features", network.outputs},
                        {"bias", true},
                        {"use_bn", false},
                        {"act_func", nullptr},
                        {"dropout_rate", 0},
                        {"ops_order", "weight_bn_act"}};
  json["resolution"] = network.resolution;
  if (network.form == Form::kLine) json["form"] = "line";
  if (network.head == Head::kGrid) json["head"] = "grid";
  return json.dump(2) + "\n";
}

}  // namespace mcunet::search::space
