// SPDX-License-Identifier: GPL-2.0-only
#include "capture/place.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define KERNEL_ALIGN (2ull << 20) /* KASLR moves the kernel by a multiple of it (CONFIG_PHYSICAL_ALIGN) */
#define MODULE_ALIGN (4ull << 10)
#define MODULES_BEGIN 0xffffffffc0000000ull /* x86-64's; on arm64 they lie beside the kernel */

/* An address in a key, and what stands around it: "stack, [<ffffffff89c31430>]", "*ffffffff89c31430+0x18". */
struct keyed {
	uint64_t addr; /* 0: there is none */
	size_t before; /* bytes */
	const char *after;
};

static struct keyed parse_key(const char *key)
{
	const char *bracket = key ? strstr(key, "[<") : NULL;
	uint64_t addr;
	int len = 0;

	if (bracket && sscanf(bracket, "[<%16" SCNx64 ">]%n", &addr, &len) == 1 && len)
		return (struct keyed){addr, bracket - key, bracket + len};
	if (key && sscanf(key, "*%16" SCNx64 "%n", &addr, &len) == 1)
		return (struct keyed){addr, 0, key + len};
	return (struct keyed){};
}

/* A module's locks are called by it: "lock [module]". */
static bool is_module(const struct capture_class *class, uint64_t addr)
{
	return addr >= MODULES_BEGIN || strstr(class->name, " [");
}

/* Do two addresses lie at one place of an image, that each boot puts elsewhere? */
static bool is_same_place(uint64_t a, uint64_t b, bool module, bool array)
{
	return array || (a - b) % (module ? MODULE_ALIGN : KERNEL_ALIGN) == 0;
}

/* "folio_wait_table[]": its key is that of the element that was seen first. */
static bool is_array(const struct capture_class *class)
{
	return strstr(class->name, "[]");
}

/*
 * How much of a key is the cache and the offset; of an array of locks the cache alone. The text
 * that follows is its sharers'.
 */
static size_t place_len(const char *key, bool array)
{
	const char *end = strstr(key, array ? "+" : " (");

	return end ? (size_t)(end - key) : strlen(key);
}

static bool is_same_key(const char *a, const char *b, bool array)
{
	size_t len = a ? place_len(a, array) : 0;

	if (!a || !b)
		return !a == !b;
	return len == place_len(b, array) && !strncmp(a, b, len);
}

static bool is_same_address(const struct capture_class *a, const struct keyed *at,
			    const struct capture_class *b, const struct keyed *other, bool array)
{
	bool module = is_module(a, at->addr);

	return module == is_module(b, other->addr) && at->before == other->before &&
	       !strncmp(a->key, b->key, at->before) && (array || !strcmp(at->after, other->after)) &&
	       is_same_place(at->addr, other->addr, module, array);
}

bool capture_same_class(const struct capture_class *a, const struct capture_class *b)
{
	struct keyed at = parse_key(a->key), other = parse_key(b->key);
	bool array = is_array(a) && is_array(b);

	if (a->family != b->family || a->subclass != b->subclass || strcmp(a->kind, b->kind))
		return false;
	/* An address for a name means that nothing is known of the place. */
	if (!strncmp(a->name, "0x", 2))
		return false;
	/* A pseudo-lock's name says all: its key is an object's address, or a function's. */
	if (!strcmp(a->kind, "pseudo"))
		return true;
	if (at.addr && other.addr)
		return is_same_address(a, &at, b, &other, array);
	return is_same_key(a->key, b->key, array);
}

/* The address that is_same_address() compares, as text. */
static void put_address(const struct capture_class *class, const struct keyed *at, char *ret, size_t room)
{
	bool array = is_array(class), module = is_module(class, at->addr);
	uint64_t offset = array ? 0 : at->addr % (module ? MODULE_ALIGN : KERNEL_ALIGN);

	snprintf(ret, room, "%.*s %s+%" PRIx64 " %s", (int)at->before, class->key,
		 module ? "module" : "kernel", offset, array ? "" : at->after);
}

int capture_place(const struct capture_class *class, char ret[static CAPTURE_PLACE_LEN])
{
	char head[64];
	const char *key = class->key ? class->key : "";
	struct keyed at = parse_key(key);
	int len = snprintf(head, sizeof(head), "%" PRIu32 " %" PRIu32 " %.32s ", class->family, class->subclass,
			   class->kind);

	if (!strncmp(class->name, "0x", 2))
		return -ENOENT;
	memcpy(ret, head, len + 1);
	if (!strcmp(class->kind, "pseudo"))
		return 0;
	if (at.addr)
		put_address(class, &at, ret + len, CAPTURE_PLACE_LEN - len);
	else
		snprintf(ret + len, CAPTURE_PLACE_LEN - len, "at %.*s",
			 (int)place_len(key, is_array(class)), key);
	return 0;
}

static bool is_numbered(const char *name)
{
	const char *mark = strrchr(name, '#');

	return mark && mark[1] && !mark[1 + strspn(mark + 1, "0123456789")];
}

/*
 * A number that a capture gave for itself, as nothing but the order told its classes apart, need not mean
 * the same class in another. Where an address bore it out it is. One lock of an array stands for all:
 * that is inferred.
 */
void capture_grade_shared(struct capture_class *class, const struct capture_class *second)
{
	bool has_twin = second && capture_same_class(class, second);

	if (is_array(class) && class->certainty < CAPTURE_INFERRED)
		class->certainty = CAPTURE_INFERRED;
	if (strcmp(class->kind, "pseudo") && (is_array(class) || !parse_key(class->key).addr) &&
	    (is_numbered(class->name) || has_twin))
		class->certainty = CAPTURE_AMBIGUOUS;
}
