// A plugin of QEMU that counts, during inferences, which blocks of instructions follow which.
//
//   qemu-system-arm … -plugin block_counter.so,out=FILE,caller=FIRST-END,body=FIRST-END,entry=A,pause=A
//
// Addresses are hexadecimal. What is counted comes in segments: one begins where a function of `entry`
// (several may be given) is entered, and ends when control is back in `caller`; a function of `pause`
// ends one, too, and the next begins when control is back in `body`, or is empty if it is not before it is
// in `caller`. The file has one fact a line:
//
//   block ID ADDRESS INSTRUCTIONS   translated; before it is counted
//   edge SEGMENT FROM TO COUNT      TO ran COUNT times just after FROM; FROM 0: it came first
//   missed SEGMENT ID COUNT         ends of a block of which a two-bit predictor had thought otherwise
//   done SEGMENTS
//
// Debian's package of QEMU has no header for plugins, so the few functions that are needed are
// declared here (version 1 of the interface, QEMU 6.0 to 8.2).

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

struct qemu_plugin_tb;
struct qemu_plugin_insn;
typedef uint64_t plugin_id;
extern size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb* block);
extern uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb* block);
extern struct qemu_plugin_insn* qemu_plugin_tb_get_insn(const struct qemu_plugin_tb* block,
                                                        size_t index);
extern uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn* instruction);
extern size_t qemu_plugin_insn_size(const struct qemu_plugin_insn* instruction);
extern void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id,
                                                  void (*translated)(plugin_id,
                                                                     struct qemu_plugin_tb*));
extern void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb* block,
                                                 void (*executed)(unsigned int, void*), int flags,
                                                 void* data);
extern void qemu_plugin_register_atexit_cb(plugin_id id, void (*at_exit)(plugin_id, void*),
                                           void* data);

enum { kBuckets = 4096, kMostEntries = 4, kNoRegisters = 0 };

struct range {
  uint64_t first;
  uint64_t end;
};

struct block;

struct edge {
  struct block* to;
  uint64_t count;
};

struct block {
  struct block* next_in_bucket;
  struct block* next;
  unsigned id;  // from 1
  uint64_t address;
  uint64_t end;
  size_t instructions;
  struct edge* edges;
  size_t edge_count;
  int predictor;  // 0 … 3: taken from 2 on
  uint64_t missed;
};

static struct {
  FILE* out;
  struct range caller;
  struct range body;
  uint64_t entries[kMostEntries];
  int entry_count;
  uint64_t pause;

  struct block* buckets[kBuckets];
  struct block* blocks;
  unsigned block_count;
  struct block start;  // stands before what comes first

  bool counts;
  bool paused;
  struct block* previous;
  unsigned segments;
} state;

static bool contains(struct range range, uint64_t address) {
  return address >= range.first && address < range.end;
}

static void* need(void* memory) {
  if (memory != NULL) return memory;
  fprintf(stderr, "block_counter: out of memory\n");
  exit(1);
}

static void write_edges(struct block* block) {
  for (size_t i = 0; i < block->edge_count; ++i) {
    struct edge* const edge = &block->edges[i];
    if (edge->count == 0) continue;
    fprintf(state.out, "edge %u %u %u %" PRIu64 "\n", state.segments, block->id, edge->to->id,
            edge->count);
    edge->count = 0;
  }
  if (block->missed == 0) return;
  fprintf(state.out, "missed %u %u %" PRIu64 "\n", state.segments, block->id, block->missed);
  block->missed = 0;
}

static void begin_segment(void) {
  state.counts = true;
  state.paused = false;
  state.previous = &state.start;
}

static void end_segment(void) {
  if (!state.counts) return;
  write_edges(&state.start);
  for (struct block* block = state.blocks; block != NULL; block = block->next) write_edges(block);
  ++state.segments;
  state.counts = false;
}

static void count_edge(struct block* from, struct block* to) {
  for (size_t i = 0; i < from->edge_count; ++i) {
    if (from->edges[i].to == to) {
      ++from->edges[i].count;
      return;
    }
  }
  from->edges = need(realloc(from->edges, (from->edge_count + 1) * sizeof(struct edge)));
  from->edges[from->edge_count++] = (struct edge){to, 1};
}

static void predict(struct block* block, bool taken) {
  if ((block->predictor >= 2) != taken) ++block->missed;
  if (taken && block->predictor < 3) ++block->predictor;
  if (!taken && block->predictor > 0) --block->predictor;
}

static bool is_entry(uint64_t address) {
  for (int i = 0; i < state.entry_count; ++i) {
    if (state.entries[i] == address) return true;
  }
  return false;
}

static void executed(unsigned int cpu, void* data) {
  (void)cpu;
  struct block* const block = data;
  if (state.counts) {
    if (block->address == state.pause) {
      end_segment();
      state.paused = true;
      return;
    }
    if (contains(state.caller, block->address)) {
      end_segment();
      return;
    }
  } else if (is_entry(block->address) || (state.paused && contains(state.body, block->address))) {
    begin_segment();
  } else {
    // A body that ends with a jump to `pause` has an empty last segment.
    if (state.paused && contains(state.caller, block->address)) {
      state.paused = false;
      ++state.segments;
    }
    return;
  }
  struct block* const previous = state.previous;
  count_edge(previous, block);
  if (previous != &state.start) predict(previous, block->address != previous->end);
  state.previous = block;
}

// Code that is translated again is the same block.
static struct block* find_block(uint64_t address, size_t instructions, uint64_t end) {
  struct block** const bucket = &state.buckets[(address >> 1) % kBuckets];
  for (struct block* block = *bucket; block != NULL; block = block->next_in_bucket) {
    if (block->address == address && block->instructions == instructions) return block;
  }
  struct block* const block = need(calloc(1, sizeof *block));
  block->next_in_bucket = *bucket;
  *bucket = block;
  block->next = state.blocks;
  state.blocks = block;
  block->id = ++state.block_count;
  block->address = address;
  block->end = end;
  block->instructions = instructions;
  block->predictor = 1;
  fprintf(state.out, "block %u %" PRIx64 " %zu\n", block->id, address, instructions);
  return block;
}

static void translated(plugin_id id, struct qemu_plugin_tb* translation) {
  (void)id;
  const size_t count = qemu_plugin_tb_n_insns(translation);
  if (count == 0) return;
  const struct qemu_plugin_insn* const last = qemu_plugin_tb_get_insn(translation, count - 1);
  struct block* const block =
      find_block(qemu_plugin_tb_vaddr(translation), count,
                 qemu_plugin_insn_vaddr(last) + qemu_plugin_insn_size(last));
  qemu_plugin_register_vcpu_tb_exec_cb(translation, executed, kNoRegisters, block);
}

static void at_exit(plugin_id id, void* data) {
  (void)id;
  (void)data;
  end_segment();
  fprintf(state.out, "done %u\n", state.segments);
  const bool failed = ferror(state.out) != 0;
  if (fclose(state.out) != 0 || failed)
    fprintf(stderr, "block_counter: the counts cannot be written\n");
}

static bool parse_range(const char* text, struct range* range) {
  char* end = NULL;
  range->first = strtoull(text, &end, 16);
  if (*end != '-') return false;
  range->end = strtoull(end + 1, &end, 16);
  return *end == '\0';
}

static bool parse_address(const char* text, uint64_t* address) {
  char* end = NULL;
  *address = strtoull(text, &end, 16);
  return *end == '\0';
}

// The value of KEY=VALUE; NULL if the key is another one.
static const char* value_of(const char* argument, const char* key) {
  const size_t length = strlen(key);
  const bool is_key = strncmp(argument, key, length) == 0 && argument[length] == '=';
  return is_key ? argument + length + 1 : NULL;
}

static bool parse_argument(const char* argument) {
  const char* value = NULL;
  if ((value = value_of(argument, "out")) != NULL)
    return state.out == NULL && (state.out = fopen(value, "w")) != NULL;
  if ((value = value_of(argument, "caller")) != NULL) return parse_range(value, &state.caller);
  if ((value = value_of(argument, "body")) != NULL) return parse_range(value, &state.body);
  if ((value = value_of(argument, "pause")) != NULL) return parse_address(value, &state.pause);
  if ((value = value_of(argument, "entry")) != NULL && state.entry_count < kMostEntries)
    return parse_address(value, &state.entries[state.entry_count++]);
  return false;
}

EXPORT int qemu_plugin_version = 1;

EXPORT int qemu_plugin_install(plugin_id id, const void* info, int count, char** arguments);

EXPORT int qemu_plugin_install(plugin_id id, const void* info, int count, char** arguments) {
  (void)info;
  for (int i = 0; i < count; ++i) {
    if (parse_argument(arguments[i])) continue;
    fprintf(stderr,
            "block_counter: %s: expected out=FILE, caller=, body=FIRST-END, entry=, pause=\n",
            arguments[i]);
    return 1;
  }
  if (state.out == NULL) {
    fprintf(stderr, "block_counter: expected out=FILE\n");
    return 1;
  }
  qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
  qemu_plugin_register_atexit_cb(id, at_exit, NULL);
  return 0;
}
