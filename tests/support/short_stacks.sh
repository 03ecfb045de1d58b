#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Runs a test under AddressSanitizer with short stacks, for which it takes a
# fraction of the time.  What leaves memory behind, and nothing worse, is run
# again with whole ones: the suppressions look for a name in them.
#
#     meson test --wrap tests/support/short_stacks.sh
output=$(mktemp)
trap 'rm -f "$output"' EXIT
status=0
ASAN_OPTIONS=${ASAN_OPTIONS-}:fast_unwind_on_malloc=1 "$@" >"$output" 2>&1 || status=$?
if grep -q 'ERROR: LeakSanitizer' "$output" \
  && ! grep -qE 'ERROR: AddressSanitizer|runtime error|^not ok' "$output"; then
  "$@"
else
  cat "$output"
  exit "$status"
fi
