/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where a class lives, told apart from where its kernel happens to lie: what makes two classes of one
 * name, of two captures of one kernel build, the same.
 */
#ifndef LOCKVANE_CAPTURE_PLACE_H
#define LOCKVANE_CAPTURE_PLACE_H

#include <stdbool.h>
#include <stddef.h>

#include "capture/capture.h"

bool capture_same_class(const struct capture_class *a, const struct capture_class *b);

/*
 * A text that is the same for two classes of one name just when they are the same. -ENOENT: the class is
 * the same as none of another capture, as nothing is known of its place.
 */
#define CAPTURE_PLACE_LEN 4200
int capture_place(const struct capture_class *class, char ret[static CAPTURE_PLACE_LEN]);

/*
 * Lower the certainty of a class that several captures have. second: the class called as this one and
 * "#2", or NULL.
 */
void capture_grade_shared(struct capture_class *class, const struct capture_class *second);

#endif
