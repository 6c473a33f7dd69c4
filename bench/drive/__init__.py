"""What all metrics share: farms, load programs, figures and their table.

SPDX-License-Identifier: Apache-2.0
"""
