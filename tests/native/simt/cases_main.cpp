// Runs the kernel cases on the emulator under several schedules. The outputs must be right, and bit for bit the same, under all of them.
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>

#include "cases/harness.h"
#include "engine.h"

namespace {

// Host memory; in builds without AddressSanitizer a guard after every array tells a write past its end.
class EmulatedMachine : public cases::Machine {
 public:
  using Machine::Machine;
#if defined(__SANITIZE_ADDRESS__)
  static constexpr size_t kGuard = 0;  // the sanitizer has its own
#else
  static constexpr size_t kGuard = 64;
#endif

  void* allocate(size_t bytes) override {
    size_t size = bytes + kGuard;
    void* memory = nullptr;
    if (posix_memalign(&memory, 256, size) != 0) std::abort();
    std::memset(memory, 0xCB, size);
    sizes_[memory] = bytes;
    return memory;
  }
  void release(void* memory) override {
#if !defined(__SANITIZE_ADDRESS__)
    const unsigned char* guard = static_cast<unsigned char*>(memory) + sizes_.at(memory);
    check(std::all_of(guard, guard + kGuard, [](unsigned char c) { return c == 0xCB; }), "a write past the end of an array");
#endif
    sizes_.erase(memory);
    std::free(memory);
  }
  void upload(void* to, const void* from, size_t bytes) override { std::memcpy(to, from, bytes); }
  void download(void* to, const void* from, size_t bytes) override { std::memcpy(to, from, bytes); }

 private:
  std::map<void*, size_t> sizes_;
};

struct Group {
  const char* name;
  void (*run)(cases::Machine&);
};

const Group kGroups[] = {
    {"select", cases::select_cases},
    {"rows", cases::row_cases},
    {"score", cases::score_cases},
    {"similarity", cases::similarity_cases},
    {"greedy", cases::greedy_cases},
    {"lists", cases::list_cases},
    {"huge", cases::huge_row_cases},
};

}  // namespace

// usage: cases GROUP [random schedules] [small]
int main(int argc, char** argv) {
  std::string wanted = argc > 1 ? argv[1] : "";
  int seeds = argc > 2 ? std::atoi(argv[2]) : 2;
  bool small = argc > 3 && std::string(argv[3]) == "small";
  const wn_cuda_plugin* plugin = wn_cuda_plugin_get();
  int failures = 0, ran = 0;
  for (const Group& group : kGroups) {
    if (wanted != group.name) continue;
    ++ran;
    uint64_t first_digest = 0;
    for (int s = 0; s < 2 + seeds; ++s) {
      simt::set_schedule({s == 0 ? simt::Order::Forward : s == 1 ? simt::Order::Reverse : simt::Order::Random, uint64_t(s)});
      wn_cuda_device* device = nullptr;
      plugin->open(0, &device);
      EmulatedMachine machine(plugin, device);
      machine.small = small;
      try {
        group.run(machine);
      } catch (const simt::Error& error) {
        std::fprintf(stderr, "FAILED %s, schedule %d: %s\n", group.name, s, error.what());
        return 1;
      }
      plugin->close(device);
      if (s == 0) first_digest = machine.digest;
      machine.check(machine.digest == first_digest, std::string(group.name) + ": schedule " + std::to_string(s) + " gives other bits");
      failures += machine.failures;
      std::printf("%s, schedule %d: %d checks, %d failures, digest %016llx\n", group.name, s, machine.checks, machine.failures,
                  static_cast<unsigned long long>(machine.digest));
    }
  }
  if (ran == 0) {
    std::fprintf(stderr, "no group of cases is called '%s'\n", wanted.c_str());
    return 1;
  }
  return failures == 0 ? 0 : 1;
}
