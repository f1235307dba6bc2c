#!/bin/sh
# Builds the kernels on a machine with a GPU, proves them there and times them beside torch. One argument: the folder for the results
# (default: tests/gpu/results). Needs the CUDA toolkit, CMake, a C++ compiler; Python with torch only for the timings. No JVM, no network.
# --rehearse, on a machine without a GPU: builds everything (for WINNOW_GPU_ARCH, default 90), goes as far as the first call to the device,
# which must say that there is none, runs the timing script on the CPU where torch is there, and leaves no results.
# --prebuilt: builds nothing, but takes what a rehearsal of the same sources has left in the build folder, so that none of a lent GPU's time
# goes into a compiler. It needs there libwinnow.so, libwinnow_cuda.so, tests/gpu/gpu_cases and built-from.
# WINNOW_GPU_SECONDS: time for all of it; what no time is left for is named as not run. WINNOW_GPU_BUILD: the build folder (default:
# target/gpu). WINNOW_COMMIT: what the log calls the commit where the sources came without their history.
#
# The order is by worth: does each kernel do its work, one group of cases after the other; does it keep to its memory; how fast is it; and
# only then what the emulator has answered already, races and reads of what nobody wrote. Every step has a limit of its own, so that one
# that hangs costs that and no more, and all that a step prints is in the results' folder while it runs: whoever ends this script, what was
# found by then is there. Leaves the card's clocks, power, MIG and persistence as they are.
set -eu
rehearse="" prebuilt=""
case "${1:-}" in
  --rehearse) rehearse=yes; shift ;;
  --prebuilt) prebuilt=yes; shift ;;
esac
root=$(cd "$(dirname "$0")/../.." && pwd)
results=${1:-$root/tests/gpu/results}
build=${WINNOW_GPU_BUILD:-$root/target/gpu}
end=$(($(date +%s) + ${WINNOW_GPU_SECONDS:-86400}))

needed="cmake nvcc nvidia-smi"
[ -z "$rehearse" ] || needed="cmake nvcc"
[ -z "$prebuilt" ] || needed="nvidia-smi"
for tool in $needed; do
  command -v "$tool" >/dev/null 2>&1 || { echo "kernels.sh: $tool is not on the PATH" >&2; exit 2; }
done
if [ -n "$rehearse" ]; then
  gpu="none, a rehearsal"
  arch=${WINNOW_GPU_ARCH:-90}
  driver=none
  results=$build/rehearsal
else
  ask() { timeout 30 nvidia-smi "--query-gpu=$1" --format=csv,noheader -i 0; }
  gpu=$(ask name)
  arch=$(ask compute_cap | tr -d '.')
  driver=$(ask driver_version)
fi
mkdir -p "$results" "$build"
results=$(cd "$results" && pwd)
output=$results/$(date -u +%Y-%m-%d)-$(echo "$gpu" | tr -c 'A-Za-z0-9\n' '-' | tr 'A-Z' 'a-z')
log=$output.log
: > "$log"
rm -f "$output.md" "$output.json"  # of a run before on the same day
failed=""

say() { echo "$@" | tee -a "$log"; }

# step NAME SECONDS COMMAND...: runs it for at most so long, keeps the beginning and the end of what it prints, and goes on whatever comes.
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
  timeout -k 5 "$seconds" "$@" >"$output.step" 2>&1 || status=$?
  keep=$([ "$status" -eq 0 ] && echo 12 || echo 40)
  if [ "$(wc -l <"$output.step")" -le $((2 * keep)) ]; then
    tee -a "$log" <"$output.step"
  else
    { head -n "$keep" "$output.step"; echo "[...]"; tail -n "$keep" "$output.step"; } | tee -a "$log"
  fi
  case $status in
    124 | 137) say "-- $name: ended at its limit of $seconds s" ;;
    *) say "-- $name: status $status after $(($(date +%s) - started)) s" ;;
  esac
  [ "$status" -eq 0 ] || failed="$failed $name"
}

has_torch() { timeout 90 python3 -c 'import torch' >/dev/null 2>&1; }

# What the binaries are made of: the architecture, and all sources as one hash.
made_of() {
  echo "sm_$arch"
  (cd "$root" && find CMakeLists.txt native kernels tests/gpu tests/native/simt/cases -type f \( -name '*.c*' -o -name '*.h' -o \
    -name CMakeLists.txt \) | LC_ALL=C sort | xargs cat | sha256sum)
}

# check TOOL SECONDS: compute-sanitizer over the small cases. CPU against GPU is left out: it launches nothing else.
check() {
  if command -v compute-sanitizer >/dev/null 2>&1; then
    # shellcheck disable=SC2086 # the groups are words
    step "$1" "$2" compute-sanitizer --tool "$1" --error-exitcode 9 "$cases" small $groups
  else
    say "== $1: compute-sanitizer is not on the PATH, left out"
    failed="$failed $1(not-run)"
  fi
}

finish() {
  rm -f "$output.step"
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
toolkit=$(nvcc --version 2>/dev/null | tail -n 2 | head -n 1)
say "toolkit: ${toolkit:-none}"
say "commit: ${WINNOW_COMMIT:-$(git -C "$root" rev-parse HEAD 2>/dev/null || echo unknown)}, date: $(date -u)"

cases=$build/tests/gpu/gpu_cases
peers=$root/tests/gpu/peers.py
groups="select rows score similarity greedy lists huge"
if [ -n "$prebuilt" ]; then
  for file in libwinnow.so libwinnow_cuda.so tests/gpu/gpu_cases built-from; do
    [ -f "$build/$file" ] || { say "--prebuilt: there is no $build/$file; kernels.sh --rehearse builds it"; exit 2; }
  done
  made_of | cmp -s - "$build/built-from" || { say "--prebuilt: $build was built from other sources, or not for sm_$arch"; exit 2; }
else
  rm -f "$build/built-from"
  sources=$(made_of)  # before, so that a source that changes while it is compiled shows
  step configure 60 cmake -S "$root" -B "$build" -DCMAKE_BUILD_TYPE=Release "-DWINNOW_CUDA_ARCHITECTURES=$arch-real"
  step build 1500 cmake --build "$build" --parallel "$(nproc)" --target winnow winnow_cuda gpu_cases
  [ -z "$failed" ] || finish ""
  echo "$sources" >"$build/built-from"
fi
if [ -n "$rehearse" ]; then
  step no-gpu 60 sh -c '"$0"; test $? -eq 3' "$cases"
  if has_torch; then
    step peers-on-cpu 300 python3 "$peers" --device cpu --library "$build/libwinnow.so" --markdown "$output.md" --json "$output.json"
  fi
  finish "rehearsal: all steps passed; the device was never used"
fi
for group in $groups agreement; do
  step "cases-$group" 60 "$cases" "$group"
done
check memcheck 150
if has_torch; then
  step clocks 30 nvidia-smi -q -d CLOCK,PERFORMANCE,TEMPERATURE -i 0
  step peers 240 python3 "$peers" --library "$build/libwinnow.so" --markdown "$output.md" --json "$output.json"
else
  say "== peers: python3 has no torch, left out"
fi
check racecheck 150
check synccheck 90
check initcheck 90
finish "all steps passed; results in $results"
