/* SPDX-License-Identifier: GPL-2.0-only */
/* Pieces of the text report that other formats have as they are. */
#ifndef LOCKVANE_REPORT_TEXT_H
#define LOCKVANE_REPORT_TEXT_H

#include "report/parts.h"

/* One finding, in lockdep's layout. */
void text_finding(const struct parts *p, uint32_t number, uint32_t of, enum finding_confidence least);
/* Lines "lockvane: ..." that say why it is not surer than it is. */
void text_doubts(const struct parts *p);

#endif
