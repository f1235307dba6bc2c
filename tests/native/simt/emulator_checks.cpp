#include "emulator_checks.h"

#include <cstdio>

namespace emulator {

int failures = 0, checks = 0;

const std::vector<simt::Schedule> kSchedules = {{simt::Order::Forward, 0}, {simt::Order::Reverse, 0}, {simt::Order::Random, 1},
                                                {simt::Order::Random, 2}, {simt::Order::Random, 3}};

void check(bool good, const std::string& what) {
  ++checks;
  if (good) return;
  ++failures;
  std::fprintf(stderr, "FAILED %s\n", what.c_str());
}

void must_fail(const std::string& name, const std::string& expected, const std::function<void()>& launch) {
  for (const simt::Schedule& schedule : kSchedules) {
    simt::set_schedule(schedule);
    std::string message = "nothing was reported";
    try {
      launch();
    } catch (const simt::Error& error) {
      message = error.what();
    }
    check(message.find(expected) != std::string::npos, name + ": expected '" + expected + "', got '" + message + "'");
  }
}

void must_pass(const std::string& name, const std::function<bool()>& run) {
  for (const simt::Schedule& schedule : kSchedules) {
    simt::set_schedule(schedule);
    try {
      check(run(), name + ": wrong result");
    } catch (const simt::Error& error) {
      check(false, name + ": " + error.what());
    }
  }
}

}  // namespace emulator
