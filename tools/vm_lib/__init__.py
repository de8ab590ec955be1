# SPDX-License-Identifier: GPL-2.0-only
"""What tools/vm is made of: initramfs, qemu, channels, console."""
