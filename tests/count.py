# SPDX-License-Identifier: Apache-2.0
"""Counts the cases of meson's JUnit logs, names those that did not run, prints "N passed, N failed", and exits 1 if any
failed or none ran."""
import sys
import xml.etree.ElementTree as tree

passed = failed = 0
for case in (case for path in sys.argv[1:] for case in tree.parse(path).getroot().iter("testcase")):
    if case.find("failure") is not None or case.find("error") is not None:
        failed += 1
        print("failed:", case.get("classname"), case.get("name"))
    elif case.find("skipped") is None:
        passed += 1
    else:
        print("not run:", case.get("classname"), case.get("name"))
print(f"{passed} passed, {failed} failed")
sys.exit(1 if failed or not passed else 0)
