"""Other people's programs, driven for a comparison in the same run.

SPDX-License-Identifier: Apache-2.0
"""
