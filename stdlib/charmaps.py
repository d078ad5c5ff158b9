"""Writes stdlib/py/_charmaps.async from the tables of the CPython that runs it."""

import encodings
import encodings.aliases
import importlib
import os
import sys

print("# The 8-bit codecs: what each byte stands for, U+FFFE where it stands for nothing. Written by")
print("# stdlib/charmaps.py. A table of 128 characters is that of the bytes from 128 on, the others\n# being ASCII.\n")
print("TABLES = {")
names = []
for file in sorted(os.listdir(os.path.dirname(encodings.__file__))):
    name = file.removesuffix(".py")
    if not file.endswith(".py") or name in ("mbcs", "oem", "iso8859_1"):
        continue
    table = getattr(importlib.import_module(f"encodings.{name}"), "decoding_table", None)
    if table is None:
        continue
    table = table.ljust(256, "\ufffe")
    if table[:128] == bytes(range(128)).decode("ascii"):
        table = table[128:]
    names.append(name)
    print(f"    {name!r}: {ascii(table)},".replace("'", '"', 2))
print("}\n\nALIASES = {")
for alias, name in sorted(encodings.aliases.aliases.items()):
    if name in names and alias != name:
        print(f'    "{alias}": "{name}",')
print("}")
sys.exit(0)
