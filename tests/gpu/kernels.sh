#!/bin/sh
# Builds the kernels on a machine with a GPU, proves them there and times them beside torch. One argument: the folder for the results
# (default: tests/gpu/results). Needs the CUDA toolkit, CMake, a C++ compiler; Python with torch only for the timings. No JVM, no network.
# --rehearse, on a machine without a GPU: builds everything (for WINNOW_GPU_ARCH, default 90), goes as far as the first call to the device,
# which must say that there is none, runs the timing script on the CPU where torch is there, and leaves no results.
# Leaves the card's clocks, power, MIG and persistence as they are.
set -eu
rehearse=""
if [ "${1:-}" = --rehearse ]; then
  rehearse=yes
  shift
fi
root=$(cd "$(dirname "$0")/../.." && pwd)
results=${1:-$root/tests/gpu/results}
build=${WINNOW_GPU_BUILD:-$root/target/gpu}

needed="cmake nvcc nvidia-smi"
[ -z "$rehearse" ] || needed="cmake nvcc"
for tool in $needed; do
  command -v "$tool" >/dev/null 2>&1 || { echo "kernels.sh: $tool is not on the PATH" >&2; exit 2; }
done
if [ -n "$rehearse" ]; then
  gpu="none, a rehearsal"
  arch=${WINNOW_GPU_ARCH:-90}
  driver=none
  results=$build/rehearsal
else
  gpu=$(nvidia-smi --query-gpu=name --format=csv,noheader -i 0)
  arch=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader -i 0 | tr -d '.')
  driver=$(nvidia-smi --query-gpu=driver_version --format=csv,noheader -i 0)
fi
stamp=$(date -u +%Y-%m-%d)-$(echo "$gpu" | tr -c 'A-Za-z0-9\n' '-' | tr 'A-Z' 'a-z')
mkdir -p "$results" "$build"
log=$results/$stamp.log
: > "$log"
failed=""

step() {
  name=$1
  shift
  echo "== $name" | tee -a "$log"
  if "$@" >"$build/step.log" 2>&1; then
    tail -n 25 "$build/step.log" | tee -a "$log"
  else
    tail -n 60 "$build/step.log" | tee -a "$log"
    failed="$failed $name"
  fi
}

{
  echo "gpu: $gpu (sm_$arch), driver $driver"
  echo "toolkit: $(nvcc --version | tail -n 2 | head -n 1)"
  echo "commit: $(git -C "$root" rev-parse HEAD 2>/dev/null || echo unknown), date: $(date -u)"
} | tee -a "$log"

step configure cmake -S "$root" -B "$build" -DCMAKE_BUILD_TYPE=Release "-DWINNOW_CUDA_ARCHITECTURES=$arch-real"
step build cmake --build "$build" --parallel --target winnow winnow_cuda gpu_cases
if [ -n "$failed" ]; then
  echo "FAILED:$failed" | tee -a "$log"
  exit 1
fi
cases=$build/tests/gpu/gpu_cases
if [ -n "$rehearse" ]; then
  step no-gpu sh -c '"$0"; test $? -eq 3' "$cases"
  if python3 -c 'import torch' >/dev/null 2>&1; then
    step peers-on-cpu python3 "$root/tests/gpu/peers.py" --device cpu --library "$build/libwinnow.so" --markdown "$results/peers.md"
  fi
  echo "rehearsal: ${failed:-all steps passed}; the device was never used" | tee -a "$log"
  [ -z "$failed" ] || exit 1
  exit 0
fi
step cases "$cases"
for tool in memcheck racecheck synccheck initcheck; do
  if command -v compute-sanitizer >/dev/null 2>&1; then
    step "$tool" compute-sanitizer --tool "$tool" --error-exitcode 9 "$cases" small
  else
    echo "== $tool: compute-sanitizer is not on the PATH, left out" | tee -a "$log"
    failed="$failed $tool(not-run)"
  fi
done
if python3 -c 'import torch' >/dev/null 2>&1; then
  step peers python3 "$root/tests/gpu/peers.py" --library "$build/libwinnow.so" --json "$results/$stamp.json" --markdown "$results/$stamp.md"
else
  echo "== peers: python3 has no torch, left out" | tee -a "$log"
fi
if [ -n "$failed" ]; then
  echo "FAILED:$failed" | tee -a "$log"
  exit 1
fi
echo "all steps passed; results in $results" | tee -a "$log"
