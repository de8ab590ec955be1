/* SPDX-License-Identifier: GPL-2.0-only */
/* The running kernel's build configuration, where it can be read. */
#ifndef LOCKVANE_KERNEL_KCONFIG_H
#define LOCKVANE_KERNEL_KCONFIG_H

struct kconfig;

/*
 * From root + /proc/config.gz, else /boot/config-<release>, else
 * /lib/modules/<release>/config. -ENOENT: none can be read.
 */
int kconfig_load(const char *root, const char *release, struct kconfig **ret);
void kconfig_free(struct kconfig *k); /* takes NULL */

/* Which file it was, without root. */
const char *kconfig_path(const struct kconfig *k);

/* "CONFIG_SMP": 'y', 'm' or 'n'; 'v' for any other value. */
char kconfig_get(const struct kconfig *k, const char *option);

#endif
