#include "status.h"

#include <cstdarg>
#include <cstdio>

namespace {
thread_local char message[512] = "";
}

namespace wn {

int32_t fail(int32_t status, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(message, sizeof message, format, arguments);
  va_end(arguments);
  return status;
}

}  // namespace wn

extern "C" const char* wn_last_error(void) { return message; }
