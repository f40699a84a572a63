#include "tensor_pickle.hpp"

#include <ATen/Functions.h>

#include <cstring>
#include <deque>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include "mcunet/core/error.hpp"

namespace mcunet::supernet {
namespace {

constexpr std::size_t kMostPickleBytes = std::size_t{64} << 20;

constexpr char kExpected[] =
    "expected a dictionary of tensors, as torch.save(model.state_dict(), file) writes";

// The entry of a checkpoint that has such a dictionary beside other values.
constexpr std::string_view kStateDict = "state_dict";

// Opcodes of the pickle language, by their names there.
enum Opcode : unsigned char {
  kMark = '(',
  kStop = '.',
  kBinFloat = 'G',
  kBinInt = 'J',
  kBinInt1 = 'K',
  kBinInt2 = 'M',
  kNone = 'N',
  kBinPersId = 'Q',
  kReduce = 'R',
  kBinUnicode = 'X',
  kEmptyList = ']',
  kAppend = 'a',
  kBuild = 'b',
  kGlobal = 'c',
  kAppends = 'e',
  kBinGet = 'h',
  kLongBinGet = 'j',
  kBinPut = 'q',
  kLongBinPut = 'r',
  kSetItem = 's',
  kTuple = 't',
  kSetItems = 'u',
  kEmptyTuple = ')',
  kEmptyDict = '}',
  kProto = 0x80,
  kNewObj = 0x81,
  kTuple1 = 0x85,
  kTuple2 = 0x86,
  kTuple3 = 0x87,
  kNewTrue = 0x88,
  kNewFalse = 0x89,
  kLong1 = 0x8a,
  kShortBinUnicode = 0x8c,
};

struct Mark {};
struct None {};
struct Number {};  // no integer; no tensor depends on one
struct List {};    // nor on what is in a list, which is dropped
struct Global {
  std::string_view lines;  // "torch\nFloatStorage"

  std::string_view module() const { return lines.substr(0, lines.find('\n')); }
  std::string_view name() const { return lines.substr(lines.find('\n') + 1); }
  bool is(std::string_view a_module, std::string_view a_name) const {
    return module() == a_module && name() == a_name;
  }
};
struct Storage {
  std::string_view type;  // "FloatStorage"
  std::string_view key;
  std::int64_t elements = 0;
};
struct Tuple;
struct Dictionary;
using Value = std::variant<Mark, None, Number, List, std::int64_t, std::string_view, Global,
                           Storage, std::shared_ptr<Tuple>, at::Tensor, Dictionary*>;
// That of the file, of a checkpoint's parts, of a tensor's hooks. The reader owns them, as they may hold
// each other or themselves.
struct Dictionary {
  std::vector<std::pair<Value, Value>> items;
};
// Tuples lie in tuples, but only so deep: the shape in the arguments of a tensor.
struct Tuple {
  std::vector<Value> items;
  int depth = 1;
};
constexpr int kMostDepth = 4;

struct StorageType {
  std::string_view name;
  at::ScalarType type;
};
constexpr StorageType kStorageTypes[] = {
    {"FloatStorage", at::kFloat}, {"DoubleStorage", at::kDouble},     {"HalfStorage", at::kHalf},
    {"LongStorage", at::kLong},   {"BFloat16Storage", at::kBFloat16}, {"IntStorage", at::kInt},
    {"ShortStorage", at::kShort}, {"CharStorage", at::kChar},         {"ByteStorage", at::kByte}};

// Of a storage whose elements the file has elsewhere.
struct StorageExtent {
  std::int64_t elements = 0;
  std::size_t element_bytes = 0;
};

class Reader {
 public:
  // Without entries, for survey() alone.
  Reader(std::string_view pickle, const ZipEntries* entries, const std::string& source)
      : left_(pickle), entries_(entries), source_(source) {}

  // Finds the end of the pickle, and the storages of its tensors by their keys.
  std::map<std::string_view, StorageExtent> survey() {
    while (step()) {
    }
    return std::move(extents_);
  }

  // What follows the pickle.
  std::string_view left() const { return left_; }

  TensorDictionary read() {
    while (step()) {
    }
    const Dictionary* dictionary = pop<Dictionary*>();
    for (const auto& [name, value] : dictionary->items) {
      const auto* const text = std::get_if<std::string_view>(&name);
      const auto* const inner = std::get_if<Dictionary*>(&value);
      if (text == nullptr || *text != kStateDict || inner == nullptr) continue;
      dictionary = *inner;
      break;
    }
    return tensors_of(*dictionary);
  }

 private:
  template <typename... Args>
  [[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) const {
    throw Error("{}: {}", source_, fmt::format(format, std::forward<Args>(args)...));
  }
  [[noreturn]] void fail_damaged() const { fail("is no tensor file: its pickle is damaged"); }

  std::string_view take(std::size_t size) {
    if (size > left_.size()) fail_damaged();
    const std::string_view bytes = left_.substr(0, size);
    left_.remove_prefix(size);
    return bytes;
  }

  // Little-endian; without a sign unless it has eight bytes.
  std::int64_t take_number(std::size_t size) {
    std::uint64_t value = 0;
    std::memcpy(&value, take(size).data(), size);
    return static_cast<std::int64_t>(value);
  }

  std::string_view take_line() {
    const std::size_t end = left_.find('\n');
    if (end == std::string_view::npos) fail_damaged();
    const std::string_view line = take(end);
    take(1);
    return line;
  }

  // Of two's complement, in as many bytes as it needs.
  std::int64_t take_long() {
    const auto size = static_cast<std::size_t>(take_number(1));
    if (size == 0 || size > 8) fail_damaged();
    const int unused = 64 - 8 * static_cast<int>(size);
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(take_number(size)) << unused) >>
           unused;
  }

  void push(Value value) { stack_.push_back(std::move(value)); }

  Value& top() {
    if (stack_.empty()) fail_damaged();
    return stack_.back();
  }

  Value pop() {
    Value value = std::move(top());
    stack_.pop_back();
    return value;
  }

  template <typename T>
  T pop() {
    return get<T>(pop());
  }

  template <typename T>
  const T& get(const Value& value) const {
    const T* const found = std::get_if<T>(&value);
    if (found == nullptr) fail("holds something else than tensors, {}", kExpected);
    return *found;
  }

  // What was pushed since the last mark.
  std::vector<Value> pop_to_mark() {
    std::vector<Value> items;
    for (Value item = pop(); !std::holds_alternative<Mark>(item); item = pop()) {
      items.push_back(std::move(item));
    }
    return {std::make_move_iterator(items.rbegin()), std::make_move_iterator(items.rend())};
  }

  void push_tuple(std::vector<Value> items) {
    const auto tuple = std::make_shared<Tuple>(Tuple{std::move(items)});
    for (const Value& item : tuple->items) {
      const auto* const inner = std::get_if<std::shared_ptr<Tuple>>(&item);
      if (inner != nullptr) tuple->depth = std::max(tuple->depth, (*inner)->depth + 1);
    }
    if (tuple->depth > kMostDepth) fail_damaged();
    push(tuple);
  }

  void push_tuple(std::size_t size) {
    std::vector<Value> items(size);
    for (std::size_t i = size; i > 0; --i) items[i - 1] = pop();
    push_tuple(std::move(items));
  }

  void remember(std::int64_t index) { memo_[index] = top(); }

  void recall(std::int64_t index) {
    const auto found = memo_.find(index);
    if (found == memo_.end()) fail_damaged();
    push(found->second);
  }

  void push_dictionary() { push(&dictionaries_.emplace_back()); }

  void set_items(const std::vector<Value>& items) {
    if (items.size() % 2 != 0) fail_damaged();
    Dictionary& dictionary = *get<Dictionary*>(top());
    for (std::size_t i = 0; i < items.size(); i += 2) {
      dictionary.items.emplace_back(items[i], items[i + 1]);
    }
  }

  TensorDictionary tensors_of(const Dictionary& dictionary) const {
    TensorDictionary tensors;
    for (const auto& [key, value] : dictionary.items) {
      const std::string name(get<std::string_view>(key));
      const at::Tensor* const tensor = std::get_if<at::Tensor>(&value);
      if (tensor == nullptr) fail("{}: is no tensor, {}", name, kExpected);
      if (!tensors.emplace(name, *tensor).second) fail("{}: is there twice", name);
    }
    return tensors;
  }

  // Of a dictionary whose class is that of PyTorch's: versions of modules.
  void drop_attributes() {
    pop<Dictionary*>();
    get<Dictionary*>(top());
  }

  // ("storage", torch.FloatStorage, key, device, elements), and before there were archives what it is a
  // view of: nothing.
  void push_storage() {
    const auto id = pop<std::shared_ptr<Tuple>>();
    const std::size_t items = id->items.size();
    if (items != 5 && !(items == 6 && std::holds_alternative<None>(id->items[5]))) fail_damaged();
    push(Storage{get<Global>(id->items[1]).name(), get<std::string_view>(id->items[2]),
                 get<std::int64_t>(id->items[4])});
  }

  void call() {
    const auto arguments = pop<std::shared_ptr<Tuple>>();
    const auto function = pop<Global>();
    if (function.is("torch._utils", "_rebuild_tensor_v2")) {
      push(make_tensor(arguments->items));
    } else if (function.is("collections", "OrderedDict") && arguments->items.empty()) {
      push_dictionary();
    } else {
      fail_at(function);
    }
  }

  [[noreturn]] void fail_at(const Global& global) const {
    fail("holds a {}.{}, {}", global.module(), global.name(), kExpected);
  }

  // Which tensor is being made: a dictionary's names stand before their values.
  std::string name_in_progress() const {
    if (stack_.empty()) return "a tensor";
    const auto* const name = std::get_if<std::string_view>(&stack_.back());
    return name == nullptr ? "a tensor" : std::string(*name);
  }

  std::vector<std::int64_t> numbers(const Value& tuple) const {
    std::vector<std::int64_t> values;
    for (const Value& item : get<std::shared_ptr<Tuple>>(tuple)->items) {
      values.push_back(get<std::int64_t>(item));
    }
    return values;
  }

  // (storage, first element, sizes, strides, whether it needs a gradient, hooks, …)
  at::Tensor make_tensor(const std::vector<Value>& arguments) {
    if (arguments.size() < 6) fail_damaged();
    const at::Tensor elements = elements_of(get<Storage>(arguments[0]));
    if (!elements.defined()) return elements;
    const auto first = get<std::int64_t>(arguments[1]);
    const std::vector<std::int64_t> sizes = numbers(arguments[2]);
    const std::vector<std::int64_t> strides = numbers(arguments[3]);
    check_extent(elements.numel(), first, sizes, strides);
    return elements.as_strided(sizes, strides, first);
  }

  // Every element must lie in the storage, and there must not be more than it has.
  void check_extent(std::int64_t elements, std::int64_t first,
                    const std::vector<std::int64_t>& sizes,
                    const std::vector<std::int64_t>& strides) const {
    constexpr std::size_t kMostDimensions = 16;
    bool fits = sizes.size() == strides.size() && sizes.size() <= kMostDimensions && first >= 0;
    std::int64_t count = 1;
    std::int64_t last = first;
    bool is_empty = false;
    for (std::size_t i = 0; fits && i < sizes.size(); ++i) {
      std::int64_t reach = 0;
      is_empty = is_empty || sizes[i] == 0;
      fits = sizes[i] >= 0 && strides[i] >= 0 &&
             !__builtin_mul_overflow(count, std::max<std::int64_t>(sizes[i], 1), &count) &&
             !__builtin_mul_overflow(std::max<std::int64_t>(sizes[i] - 1, 0), strides[i], &reach) &&
             !__builtin_add_overflow(last, reach, &last);
    }
    if (is_empty ? fits && first <= elements : fits && last < elements && count <= elements) return;
    fail("{}: its shape and strides reach beyond its storage of {} elements", name_in_progress(),
         elements);
  }

  // The elements of a storage, in one dimension; undefined in a survey.
  const at::Tensor& elements_of(const Storage& storage) {
    const std::optional<at::ScalarType> type = type_of(storage);
    if (!type) {
      fail("{}: its elements are of torch.{}, expected a plain integer or floating-point type",
           name_in_progress(), storage.type);
    }
    if (entries_ == nullptr) {
      extents_[storage.key] = {storage.elements, c10::elementSize(*type)};
      return undefined_;
    }
    const auto known = storages_.find(storage.key);
    if (known != storages_.end()) {
      if (known->second.scalar_type() != *type) fail_damaged();
      return known->second;
    }
    const std::string entry = fmt::format("data/{}", storage.key);
    const auto found = entries_->find(entry);
    if (found == entries_->end()) {
      fail("{}: its elements are missing: there is no entry {}", name_in_progress(), entry);
    }
    const std::string_view bytes = found->second;
    const std::size_t element_bytes = c10::elementSize(*type);
    if (bytes.size() % element_bytes != 0 ||
        bytes.size() / element_bytes != static_cast<std::uint64_t>(storage.elements)) {
      fail("{}: its entry {} has {} bytes, expected {} elements of {} bytes", name_in_progress(),
           entry, bytes.size(), storage.elements, element_bytes);
    }
    at::Tensor elements = at::empty({storage.elements}, *type);
    if (!bytes.empty()) std::memcpy(elements.data_ptr(), bytes.data(), bytes.size());
    return storages_.emplace(storage.key, std::move(elements)).first->second;
  }

  static std::optional<at::ScalarType> type_of(const Storage& storage) {
    for (const StorageType& known : kStorageTypes) {
      if (known.name == storage.type) return known.type;
    }
    return std::nullopt;
  }

  // Whether there is more to come.
  bool step();

  std::string_view left_;
  const ZipEntries* entries_;
  const std::string& source_;
  std::deque<Dictionary> dictionaries_;
  std::vector<Value> stack_;
  std::map<std::int64_t, Value> memo_;
  std::map<std::string_view, at::Tensor> storages_;
  std::map<std::string_view, StorageExtent> extents_;
  at::Tensor undefined_;
};

bool Reader::step() {
  const auto opcode = static_cast<unsigned char>(take(1)[0]);
  switch (opcode) {
    case kProto:
      take(1);
      return true;
    case kStop:
      return false;
    case kMark:
      push(Mark{});
      return true;
    case kNone:
      push(None{});
      return true;
    case kNewTrue:
    case kNewFalse:
      push(std::int64_t{opcode == kNewTrue});
      return true;
    case kBinInt1:
      push(take_number(1));
      return true;
    case kBinInt2:
      push(take_number(2));
      return true;
    case kBinInt:
      push(std::int64_t{static_cast<std::int32_t>(take_number(4))});
      return true;
    case kBinFloat:
      take(8);
      push(Number{});
      return true;
    case kLong1:
      push(take_long());
      return true;
    case kBinUnicode:
      push(take(static_cast<std::size_t>(take_number(4))));
      return true;
    case kShortBinUnicode:
      push(take(static_cast<std::size_t>(take_number(1))));
      return true;
    case kGlobal: {
      const std::string_view module = take_line();
      const std::string_view name = take_line();
      push(Global{{module.data(), module.size() + 1 + name.size()}});  // one after the other
      return true;
    }
    case kEmptyTuple:
      push_tuple(std::size_t{0});
      return true;
    case kTuple1:
    case kTuple2:
    case kTuple3:
      push_tuple(std::size_t{opcode} - kTuple1 + 1);
      return true;
    case kTuple:
      push_tuple(pop_to_mark());
      return true;
    case kEmptyDict:
      push_dictionary();
      return true;
    case kBuild:
      drop_attributes();
      return true;
    case kEmptyList:
      push(List{});
      return true;
    case kAppend:
      pop();
      get<List>(top());
      return true;
    case kAppends:
      pop_to_mark();
      get<List>(top());
      return true;
    case kBinPut:
      remember(take_number(1));
      return true;
    case kLongBinPut:
      remember(take_number(4));
      return true;
    case kBinGet:
      recall(take_number(1));
      return true;
    case kLongBinGet:
      recall(take_number(4));
      return true;
    case kBinPersId:
      push_storage();
      return true;
    case kReduce:
      call();
      return true;
    case kNewObj:
      pop();
      fail_at(pop<Global>());
    case kSetItem: {
      Value value = pop();
      Value name = pop();
      set_items({std::move(name), std::move(value)});
      return true;
    }
    case kSetItems:
      set_items(pop_to_mark());
      return true;
    default:
      fail("holds something else than tensors, {}", kExpected);
  }
}

}  // namespace

TensorDictionary read_tensor_pickle(std::string_view pickle, const ZipEntries& entries,
                                    const std::string& source) {
  if (pickle.size() > kMostPickleBytes) {
    throw Error("{}: is no tensor file: its pickle has {} bytes", source, pickle.size());
  }
  return Reader(pickle, &entries, source).read();
}

TensorDictionary read_tensor_stream(std::string_view left, const std::string& source) {
  const auto survey = [&] {
    Reader reader(left.substr(0, kMostPickleBytes), nullptr, source);
    auto extents = reader.survey();
    left.remove_prefix(std::min(left.size(), kMostPickleBytes) - reader.left().size());
    return extents;
  };
  survey();  // the version
  survey();  // the system
  const std::string_view from_pickle = left;
  const auto extents = survey();
  const std::string_view pickle = from_pickle.substr(0, from_pickle.size() - left.size());
  survey();  // the list of the keys
  ZipEntries entries;
  for (const auto& [key, extent] : extents) {
    std::int64_t elements = 0;
    if (left.size() >= sizeof(elements)) std::memcpy(&elements, left.data(), sizeof(elements));
    left.remove_prefix(std::min(left.size(), sizeof(elements)));
    const std::uint64_t room = left.size() / extent.element_bytes;
    if (elements < 0 || elements != extent.elements ||
        static_cast<std::uint64_t>(elements) > room) {
      throw Error("{}: is no tensor file: it lacks elements of storage {}", source, key);
    }
    const std::size_t bytes = static_cast<std::size_t>(elements) * extent.element_bytes;
    entries.emplace(fmt::format("data/{}", key), left.substr(0, bytes));
    left.remove_prefix(bytes);
  }
  if (!left.empty()) throw Error("{}: is no tensor file: it has bytes after its end", source);
  return read_tensor_pickle(pickle, entries, source);
}

}  // namespace mcunet::supernet
