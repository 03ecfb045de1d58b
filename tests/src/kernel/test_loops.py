#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The innermost loops of the products keep sums, weights and samples in
registers: none reads or writes a vector on the stack.  TAP on standard output.
(Functions of a row's values have more constants than there are registers.)

    test_loops.py OBJDUMP KERNEL_LIBRARY...

A loop of a kernel is one without a loop in it that has so many multiply-adds of
the kernel's kind as a tile has sums, or more; a library without is an error too.
"""

import os
import re
import subprocess
import sys

# Of each library, the instructions and how many a loop has at least.
LOOPS = {
    "avx2": [("vfmadd...ps", 12), ("vpmaddwd", 12)],
    "avx512": [("vfmadd...ps", 28)],
    "vnni": [("vpdpbusd", 24)],
    "amx": [("tdpbusd", 4)],
}
MEMBER = re.compile(r"^(\S+):\s+file format ")
PRODUCTS = "patch_"
FUNCTION = re.compile(r"^[0-9a-f]+ <(.+)>:$")
INSTRUCTION = re.compile(r"^\s*([0-9a-f]+):\s+(\S+)\s*(.*)$")


def functions(text):
    """Of each of the products' functions its name and [(address, mnemonic,
    operands)]."""
    found, is_product = [], False
    for line in text.splitlines():
        if match := MEMBER.match(line):
            is_product = PRODUCTS in match[1]
        elif not is_product:
            continue
        elif match := FUNCTION.match(line):
            found.append((match[1], []))
        elif (match := INSTRUCTION.match(line)) and found:
            found[-1][1].append((int(match[1], 16), match[2], match[3]))
    return found


def innermost_loops(code):
    """What lies between a jump back and its target, no other such inside."""
    spans = set()
    for address, mnemonic, operands in code:
        target = re.match(r"([0-9a-f]+) <", operands)
        if mnemonic.startswith("j") and target:
            start = int(target[1], 16)
            if code[0][0] <= start <= address:
                spans.add((start, address))
    for start, end in sorted(spans):
        if not any((a, b) != (start, end) and start <= a and b <= end
                   for a, b in spans):
            yield [i for i in code if start <= i[0] <= end]


def uses_stack(code, instruction):
    """A vector's memory operand that goes by the stack pointer, or by the frame
    pointer where the function has one."""
    has_frame = any(m == "mov" and o == "%rsp,%rbp" for _, m, o in code)
    stack = r"\(%r[sb]p\b" if has_frame else r"\(%rsp\b"
    _, _, operands = instruction
    return (re.search(r"%[txyz]mm\d", operands)
            and re.search(stack, operands))


def check(library, objdump, multiply, least):
    text = subprocess.run([objdump, "-d", "--no-show-raw-insn", library],
                          check=True, capture_output=True, text=True).stdout
    n_loops, on_stack = 0, []
    for name, code in functions(text):
        for loop in innermost_loops(code):
            if sum(bool(re.fullmatch(multiply, i[1])) for i in loop) < least:
                continue
            n_loops += 1
            on_stack += [f"{name} {i[0]:x}: {i[1]} {i[2]}" for i in loop
                         if uses_stack(code, i)]
    return n_loops, on_stack


def main(objdump, libraries):
    checks = [(library, *loop) for library in libraries for loop in LOOPS[
        os.path.basename(library).removeprefix("libvit-kernel-")
        .removesuffix(".a")]]
    failed = False
    print(f"1..{len(checks)}")
    for library, multiply, least in checks:
        n_loops, on_stack = check(library, objdump, multiply, least)
        good = n_loops > 0 and not on_stack
        failed |= not good
        print(f"{'ok' if good else 'not ok'} - {os.path.basename(library)}: "
              f"loops of {multiply} leave the stack alone ({n_loops} loops)")
        for line in on_stack:
            print("#", line)
    return failed


sys.exit(main(sys.argv[1], sys.argv[2:]))
