#!/bin/sh
# Runs first in the build: a missing tool is named together with the package that brings it, instead of a failing plugin later.
missing=""
command -v cmake >/dev/null 2>&1 || missing="$missing cmake (Debian package: cmake)"
command -v g++ >/dev/null 2>&1 || missing="$missing g++ (Debian package: g++)"
command -v make >/dev/null 2>&1 || command -v ninja >/dev/null 2>&1 || missing="$missing make (Debian package: make)"
if [ -n "$missing" ]; then
  echo "winnow: the native build needs:$missing. Install with: apt-get install cmake g++ make" >&2
  exit 1
fi
