// Error reporting: a status and one line of text, kept per thread.
#pragma once

#include <cstdint>

#include "winnow.h"

namespace wn {

/** Records the message (printf form) for wn_last_error and returns status. */
int32_t fail(int32_t status, const char* format, ...) __attribute__((format(printf, 2, 3)));

}  // namespace wn

/** Leaves the calling function with WN_EINVAL and a message unless the condition holds. */
#define WN_REQUIRE(condition, ...)                            \
  do {                                                        \
    if (!(condition)) return wn::fail(WN_EINVAL, __VA_ARGS__); \
  } while (0)

/** Hands on the status of a nested check that failed. */
#define WN_CHECK(call)                          \
  do {                                          \
    const int32_t status_of_call = (call);      \
    if (status_of_call != WN_OK) return status_of_call; \
  } while (0)
