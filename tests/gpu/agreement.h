// CPU and CUDA through one public header: do they keep the same tokens?
#pragma once
#include "harness.h"

namespace agreement {

// `rows` random selections from equal scores must be equal; score + select on both sides may differ only where the scores are closer
// than float32 arithmetic can tell.
void run(cases::Machine& machine, int rows);

}  // namespace agreement
