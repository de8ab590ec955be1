#!/host/bash
# SPDX-License-Identifier: GPL-2.0-only
# Reading the last of a TPM's answer flushes the work that throws old answers away, under buffer_mutex;
# that work takes buffer_mutex. It runs two minutes after a command whose answer nobody reads. The TPM is
# a program's, by tpm_vtpm_proxy.
set -u
vtpm 125 || exit 1
