#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The innermost loops of the products keep sums, weights and samples in
registers: none reads or writes a vector on the stack.  The loops that compute
exponentials and error functions of a row's values are vectors as wide as the
registers; they have more constants than there are registers, so their stack is not
looked at.  TAP on standard output.

    test_loops.py OBJDUMP KERNEL_LIBRARY...

A loop of a product is one without a loop in it that has so many multiply-adds of
the kernel's kind as a tile has sums, or more; a library without is an error too.  That
of a row's function has as many as the least polynomial.
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
# Of each function of rows, how many such loops it has, and the multiply-adds of one:
# 2^x of the scores; each of four activations, in turn.
ROW_LOOPS = {"softmax": (1, 6), "activate": (4, 9)}
ROW_REGISTERS = {"avx2": "%ymm", "avx512": "%zmm"}
MEMBER = re.compile(r"^(\S+):\s+file format ")
PRODUCTS, ROWS = "patch_", "rows_"
FUNCTION = re.compile(r"^[0-9a-f]+ <(.+)>:$")
INSTRUCTION = re.compile(r"^\s*([0-9a-f]+):\s+(\S+)\s*(.*)$")


def functions(text, member):
    """Of each function of such members its name and [(address, mnemonic,
    operands)]."""
    found, is_wanted = [], False
    for line in text.splitlines():
        if match := MEMBER.match(line):
            is_wanted = member in match[1]
        elif not is_wanted:
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


def disassemble(objdump, library):
    return subprocess.run([objdump, "-d", "--no-show-raw-insn", library],
                          check=True, capture_output=True, text=True).stdout


def check_product(text, multiply, least):
    """How many loops there are, and what they do on the stack."""
    n_loops, on_stack = 0, []
    for name, code in functions(text, PRODUCTS):
        for loop in innermost_loops(code):
            if sum(bool(re.fullmatch(multiply, i[1])) for i in loop) < least:
                continue
            n_loops += 1
            on_stack += [f"{name} {i[0]:x}: {i[1]} {i[2]}" for i in loop
                         if uses_stack(code, i)]
    return n_loops, on_stack


def count_row_loops(text, function, register, least):
    def is_wide(instruction):
        _, mnemonic, operands = instruction
        return re.fullmatch("vfn?madd...ps", mnemonic) and register in operands

    return sum(sum(1 for i in loop if is_wide(i)) >= least
               for name, code in functions(text, ROWS) if name == function
               for loop in innermost_loops(code))


def check(library, objdump):
    """[(whether it is good, what, lines that say why not)]"""
    text = disassemble(objdump, library)
    kind = os.path.basename(library).removeprefix("libvit-kernel-").removesuffix(".a")
    for multiply, least in LOOPS[kind]:
        n_loops, on_stack = check_product(text, multiply, least)
        yield (n_loops > 0 and not on_stack,
               f"loops of {multiply} leave the stack alone ({n_loops} loops)", on_stack)
    if kind in ROW_REGISTERS:
        register = ROW_REGISTERS[kind]
        for function, (n_wanted, least) in ROW_LOOPS.items():
            n_loops = count_row_loops(text, function, register, least)
            yield (n_loops >= n_wanted,
                   f"{function} goes by {register} ({n_loops} loops)", [])


def main(objdump, libraries):
    failed, n = False, 0
    for library in libraries:
        for good, what, lines in check(library, objdump):
            n += 1
            failed |= not good
            print(f"{'ok' if good else 'not ok'} - {os.path.basename(library)}: {what}")
            for line in lines:
                print("#", line)
    print(f"1..{n}")
    return failed


sys.exit(main(sys.argv[1], sys.argv[2:]))
