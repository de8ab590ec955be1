/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LOCKVANE_FINDING_ANNOTATIONS_DATA_H
#define LOCKVANE_FINDING_ANNOTATIONS_DATA_H

extern const char annotations_data[];
extern const char annotations_data_end[];

#endif
