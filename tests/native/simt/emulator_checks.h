// How the tests of the emulator itself are written: a kernel must pass, or fail with a certain message, under every schedule.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "engine.h"

namespace emulator {

extern int failures, checks;
extern const std::vector<simt::Schedule> kSchedules;

void check(bool good, const std::string& what);
// The launch must fail under every schedule, with a message that holds `expected`.
void must_fail(const std::string& name, const std::string& expected, const std::function<void()>& launch);
void must_pass(const std::string& name, const std::function<bool()>& run);

void matrix_checks();  // tensor cores and asynchronous copies

}  // namespace emulator
