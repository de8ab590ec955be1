// SPDX-License-Identifier: GPL-2.0-only
#include "naming/pseudoname.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "traits.h"

static const char *kind_text(uint32_t kind)
{
	static const char *const texts[LV_PSEUDO_KINDS] = {
#define LV_PSEUDO_KIND(id, word, text, traits) [LV_PSEUDO_##id] = text,
#include "pseudo.def"
	};

	return kind < LV_PSEUDO_KINDS && texts[kind] ? texts[kind] : "pseudo ";
}

/*
 * The number of a symbol among those of one name in an image: by address, so that it is so in every
 * run.
 */
static uint32_t ordinal_of(const struct ksyms *k, const struct ksym *sym)
{
	const struct ksym *other = NULL;
	uint32_t ordinal = 1;

	while ((other = ksyms_by_name(k, sym->name, other)))
		if (other->module == sym->module && other->addr < sym->addr)
			ordinal++;
	return ordinal;
}

/* Names the class by the symbol it is about; a function is so at its first byte only. */
static void name_by_symbol(const struct names_sources *from, uint64_t addr, const char *text,
			   struct names_result *r)
{
	const struct ksym *sym = from->ksyms ? ksyms_find(from->ksyms, addr) : NULL;
	char number[48] = "";
	uint32_t ordinal;

	r->certainty = NAMES_EXACT;
	if (!sym) {
		r->certainty = NAMES_AMBIGUOUS;
		snprintf(r->name, sizeof(r->name), "%s0x%" PRIx64, text, addr);
		return;
	}
	ordinal = ordinal_of(from->ksyms, sym);
	if (ordinal > 1)
		snprintf(number, sizeof(number), "#%u", ordinal);
	if (addr != sym->addr)
		snprintf(number + strlen(number), sizeof(number) - strlen(number), "+0x%" PRIx64,
			 addr - sym->addr);
	snprintf(r->name, sizeof(r->name), "%s%s%s%s%s%s", text, sym->name, number,
		 sym->module ? " [" : "", sym->module ? sym->module : "", sym->module ? "]" : "");
}

void pseudoname_class(const struct names_sources *from, const struct lv_class *c,
		      struct names_result *r)
{
	uint32_t kind = LV_PSEUDO_KIND_OF(c->subclass);
	const char *text = kind_text(kind);
	size_t len = strlen(text);

	snprintf(r->key, sizeof(r->key), "[<%016" PRIx64 ">]", (uint64_t)c->place.base);
	r->certainty = NAMES_EXACT;
	if (len && text[len - 1] != ' ')
		snprintf(r->name, sizeof(r->name), "%s", text);
	else if (pseudo_traits(kind) & LV_PSEUDO_BY_TEXT)
		snprintf(r->name, sizeof(r->name), "%s%.*s", text, LV_NAME_LEN,
			 c->cache[0] ? c->cache : "?");
	else if (c->state == LV_SLOT_DEAD)
		snprintf(r->name, sizeof(r->name), "%s%.*s+0x%x [%.*s]", text, LV_NAME_LEN,
			 c->cache, c->cache_size, LV_NAME_LEN, c->cache);
	else
		name_by_symbol(from, c->place.base, text, r);
}
