/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A capture as one SQLite file, docs/capture-format.md. A capture that is saved and loaded again is
 * equal in every field, but for strings that no kernel and no lockvane makes: control characters
 * and bytes over 0x7e become '?', and text beyond 4095 bytes is cut.
 */
#ifndef LOCKVANE_CAPTURE_DB_H
#define LOCKVANE_CAPTURE_DB_H

#include "base/error.h"
#include "capture/capture.h"

/*
 * Write the capture to path, mode 0600. A regular file there is replaced, and
 * only by a whole one; anything else there is refused, a symbolic link too.
 * On failure what was there before still is, and nothing else.
 */
int capture_db_save(const struct capture *c, const char *path, struct error *err);

/*
 * Read one back, to be freed with capture_free(). The file is not trusted:
 * after success every index in the capture is in range, every enum has a value
 * it knows, the strings that may not be NULL are there and printable.
 * -EINVAL: not a capture, or a damaged one; the error says which.
 */
int capture_db_load(const char *path, struct capture **ret, struct error *err);

#endif
