// WINNOW_CPU_TIER is read once a process: what each value does is told by a child process that got it.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "testing.h"

using namespace testing;

namespace {

/** Runs body in a child with this value of the variable; the child's answer is its exit status. */
int in_child(const char* value, int (*body)(const char*), const char* argument) {
  const pid_t child = fork();
  if (child == 0) {
    setenv("WINNOW_CPU_TIER", value, 1);
    _exit(body(argument));
  }
  int status = 0;
  EXPECT(waitpid(child, &status, 0) == child && WIFEXITED(status));
  return WEXITSTATUS(status);
}

/** 0 if contexts are refused with a message that names the value and the machine's tiers, until a tier is set. */
int refuses(const char* named) {
  wn_ctx* ctx = nullptr;
  if (wn_ctx_create(WN_CPU, 0, &ctx) == WN_OK || ctx) return 1;
  const std::string message = wn_last_error();
  if (message.find(std::string("WINNOW_CPU_TIER = ") + named) == std::string::npos) return 2;
  if (message.find(wn_cpu_tiers()) == std::string::npos) return 3;
  if (std::string(wn_cpu_tier()) != "") return 4;
  if (wn_set_cpu_tier("portable") != WN_OK || wn_ctx_create(WN_CPU, 0, &ctx) != WN_OK) return 5;
  wn_ctx_destroy(ctx);
  return 0;
}

/** 0 if the tier in use is this one. */
int uses(const char* tier) {
  wn_ctx* ctx = nullptr;
  if (wn_ctx_create(WN_CPU, 0, &ctx) != WN_OK) return 1;
  wn_ctx_destroy(ctx);
  return std::string(wn_cpu_tier()) == tier ? 0 : 2;
}

}  // namespace

int main() {
  // No call of the library before the children are made: it would settle the tier for them.
  EXPECT(in_child("avx1024", refuses, "avx1024") == 0);
  EXPECT(in_child("AVX2", refuses, "AVX2") == 0);
  EXPECT(in_child("portable", uses, "portable") == 0);
  const std::vector<std::string> machine = tiers();
  EXPECT(in_child("", uses, machine.back().c_str()) == 0);
  for (const char* tier : {"avx2", "avx512", "avx512bf16", "amx"}) {
    const bool has = std::find(machine.begin(), machine.end(), tier) != machine.end();
    subject() = tier;
    EXPECT(in_child(tier, has ? uses : refuses, tier) == 0);
  }
  return finish("tier_test");
}
