# SPDX-License-Identifier: GPL-2.0-only
"""What tools/kernels is made of: table, cache, apt, stock and small kernels, modules."""
