#!/bin/sh
# Builds the kernels on a machine with a GPU, proves them there and times them beside torch. One argument: the folder for the results
# (default: tests/gpu/results). Needs the CUDA toolkit, CMake, a C++ compiler; Python with torch only for the timings. No JVM, no network.
# --rehearse, on a machine without a GPU: builds everything (for WINNOW_GPU_ARCH, default 90), goes as far as the first call to the device,
# which must say that there is none, runs the timing script on the CPU where torch is there, and leaves no results.
# WINNOW_GPU_SECONDS: time for all of it; what no time is left for is named as not run. WINNOW_GPU_BUILD: the build folder (default:
# target/gpu). WINNOW_COMMIT: what the log calls the commit where the sources came without their history.
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
end=$(($(date +%s) + ${WINNOW_GPU_SECONDS:-86400}))

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
mkdir -p "$results" "$build"
results=$(cd "$results" && pwd)
output=$results/$(date -u +%Y-%m-%d)-$(echo "$gpu" | tr -c 'A-Za-z0-9\n' '-' | tr 'A-Z' 'a-z')
log=$output.log
: > "$log"
failed=""

say() { echo "$@" | tee -a "$log"; }

# step NAME SECONDS COMMAND...: runs it for at most so long, keeps the end of what it prints, and goes on whatever comes of it.
step() {
  name=$1 seconds=$2 left=$((end - $(date +%s)))
  shift 2
  [ "$seconds" -le "$left" ] || seconds=$left
  if [ "$seconds" -lt 5 ]; then
    say "== $name: not run, no time is left"
    failed="$failed $name(not-run)"
    return
  fi
  say "== $name"
  started=$(date +%s) status=0
  timeout -k 5 "$seconds" "$@" >"$build/step.log" 2>&1 || status=$?
  tail -n "$([ "$status" -eq 0 ] && echo 25 || echo 60)" "$build/step.log" | tee -a "$log"
  say "-- $name: status $status after $(($(date +%s) - started)) s"
  [ "$status" -eq 0 ] || failed="$failed $name"
}

has_torch() { python3 -c 'import torch' >/dev/null 2>&1; }

finish() {
  if [ -f "$output.md" ]; then
    cat "$output.md" | tee -a "$log"
  fi
  if [ -n "$failed" ]; then
    say "FAILED:$failed"
    exit 1
  fi
  say "$1"
  exit 0
}

say "gpu: $gpu (sm_$arch), driver $driver"
say "toolkit: $(nvcc --version | tail -n 2 | head -n 1)"
say "commit: ${WINNOW_COMMIT:-$(git -C "$root" rev-parse HEAD 2>/dev/null || echo unknown)}, date: $(date -u)"

step configure 60 cmake -S "$root" -B "$build" -DCMAKE_BUILD_TYPE=Release "-DWINNOW_CUDA_ARCHITECTURES=$arch-real"
step build 1500 cmake --build "$build" --parallel --target winnow winnow_cuda gpu_cases
[ -z "$failed" ] || finish ""
cases=$build/tests/gpu/gpu_cases
peers=$root/tests/gpu/peers.py
if [ -n "$rehearse" ]; then
  step no-gpu 60 sh -c '"$0"; test $? -eq 3' "$cases"
  if has_torch; then
    step peers-on-cpu 300 python3 "$peers" --device cpu --library "$build/libwinnow.so" --markdown "$output.md" --json "$output.json"
  fi
  finish "rehearsal: all steps passed; the device was never used"
fi
step cases 300 "$cases"
# The table before the checkers, which take longest: it is there even where time is short.
if has_torch; then
  step peers 300 python3 "$peers" --library "$build/libwinnow.so" --markdown "$output.md" --json "$output.json"
else
  say "== peers: python3 has no torch, left out"
fi
for tool in memcheck racecheck synccheck initcheck; do
  if command -v compute-sanitizer >/dev/null 2>&1; then
    step "$tool" 300 compute-sanitizer --tool "$tool" --error-exitcode 9 "$cases" small
  else
    say "== $tool: compute-sanitizer is not on the PATH, left out"
    failed="$failed $tool(not-run)"
  fi
done
finish "all steps passed; results in $results"
