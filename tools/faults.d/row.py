"""A row of the fault matrix.

SPDX-License-Identifier: Apache-2.0
"""

import dataclasses
import typing

from rig import Rig


@dataclasses.dataclass
class Row:
    number: str  # of docs/FAULTS.md; with a letter where one row has several ways
    title: str
    quick: bool
    cause: typing.Callable  # (options, folder, rigs) -> Outcome
    long: bool = False  # takes more than a few minutes: only where --long or its number is given


def row_list():
    """A list of rows and the decorator that fills it."""
    rows = []

    def row(number, title, quick=False, long=False, **rig_options):
        def take(function):
            def cause(options, folder, rigs):
                rig = Rig(options.bin, folder, **rig_options)
                rig.given = options
                rigs.append(rig)
                rig.start()
                return function(rig)
            rows.append(Row(str(number), title, quick, cause, long))
            return function
        return take
    return rows, row
