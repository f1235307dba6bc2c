#!/bin/sh
# usage: exports_test.sh NM LIBRARY...; every library exports what the headers declare, wn_*, and nothing else.
set -eu
nm=$1
shift
for library in "$@"; do
  symbols=$("$nm" -D --defined-only "$library" | awk '{print $NF}')
  others=$(echo "$symbols" | grep -v '^wn_' || true)
  if [ -z "$symbols" ] || [ -n "$others" ]; then
    echo "FAILED $library exports: ${others:-nothing}"
    exit 1
  fi
  echo "$library: $(echo "$symbols" | wc -l) functions"
done
