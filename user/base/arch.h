/* SPDX-License-Identifier: GPL-2.0-only */
/* How the architectures that lockvane is built for differ, in the user half. */
#ifndef LOCKVANE_BASE_ARCH_H
#define LOCKVANE_BASE_ARCH_H

#include <linux/audit.h>
#include <sys/syscall.h>

/* A number that no system call has. */
#define ARCH_NO_CALL (-1)

#if defined(__x86_64__)

#define ARCH_MACHINE "x86_64" /* uname -m */
#define ARCH_AUDIT AUDIT_ARCH_X86_64
#define ARCH_TYPES_SITES 1 /* sites/decode.c knows its instructions */

#elif defined(__aarch64__)

#define ARCH_MACHINE "aarch64"
#define ARCH_AUDIT AUDIT_ARCH_AARCH64
#define ARCH_TYPES_SITES 0

/* Calls that x86-64 has beside newer ones. */
#define SYS_access ARCH_NO_CALL
#define SYS_chmod ARCH_NO_CALL
#define SYS_epoll_wait ARCH_NO_CALL
#define SYS_futimesat ARCH_NO_CALL
#define SYS_lstat ARCH_NO_CALL
#define SYS_mkdir ARCH_NO_CALL
#define SYS_open ARCH_NO_CALL
#define SYS_poll ARCH_NO_CALL
#define SYS_readlink ARCH_NO_CALL
#define SYS_rename ARCH_NO_CALL
#define SYS_rmdir ARCH_NO_CALL
#define SYS_stat ARCH_NO_CALL
#define SYS_unlink ARCH_NO_CALL

#else
#error "lockvane knows x86-64 and arm64"
#endif

#endif
