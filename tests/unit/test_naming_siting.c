// SPDX-License-Identifier: GPL-2.0-only
/* Classes of untyped memory, and on stacks, by their call sites' types. */
#include "test_kernel_btf.h"

#include "naming/siting.h"

#define MAX 12
#define CACHE_A 0xffff888100001000ull
#define CACHE_B 0xffff888100002000ull

static struct lv_class classes[MAX];
static struct names_result results[MAX];
static struct siting_item items[MAX];
static size_t nr;

static int begin(void **state)
{
	(void)state;
	memset(classes, 0, sizeof(classes));
	memset(results, 0, sizeof(results));
	memset(items, 0, sizeof(items));
	nr = 0;
	return 0;
}

/* A class at an offset of a cache's objects, and what its site is known to lock. */
static size_t add(uint64_t cache, uint32_t off, enum sites_strength strength, const char *name,
		  const char *inner, uint32_t offset)
{
	struct sites_answer *a = &items[nr].siting.answer;

	classes[nr].place = (struct lv_place){
		.base = cache, .off = off, .kind = LV_PLACE_SLAB, .site = 0xffffffff81000000 + nr};
	classes[nr].family = LV_SPIN;
	snprintf(results[nr].name, sizeof(results[nr].name), "kmalloc-512+0x%x", off);
	results[nr].certainty = NAMES_AMBIGUOUS;
	items[nr].id = nr;
	items[nr].class = &classes[nr];
	items[nr].result = &results[nr];
	if (name) {
		a->kind = SITES_MEMBER;
		a->strength = strength;
		a->offset = offset;
		snprintf(a->name, sizeof(a->name), "%s", name);
		snprintf(a->inner, sizeof(a->inner), "%s", inner);
	}
	return nr++;
}

static void alike(size_t i, size_t at, size_t other, uint8_t looks)
{
	classes[i].alike[at] = other + 1;
	classes[i].alike_looks[at] = looks;
}

static void join(void)
{
	assert_int_equal(siting_join(NULL, items, nr), 0);
}

#define IS(i, text, grade)                                                 \
	do {                                                               \
		assert_string_equal(results[i].name, text);                \
		assert_int_equal(results[i].certainty, NAMES_##grade);     \
	} while (0)

/* Unrelated locks at one place stay apart; one type's sites are one class, in whatever cache. */
static void test_join(void **state)
{
	size_t group = add(CACHE_A, 0, SITES_BY_USE, "tmigr_group.lock", "tmigr_group.lock", 0);
	size_t bucket = add(CACHE_A, 0, SITES_BY_TYPE, "io_hash_bucket.lock",
			    "io_hash_bucket.lock", 0);
	size_t again = add(CACHE_A, 0, SITES_BY_TYPE, "tmigr_group.lock", "tmigr_group.lock", 0);
	size_t open = add(CACHE_A, 0, SITES_BY_TYPE, NULL, NULL, 0);
	size_t other = add(CACHE_B, 0, SITES_BY_TYPE, "io_hash_bucket.lock",
			   "io_hash_bucket.lock", 0);

	(void)state;
	join();
	IS(group, "tmigr_group.lock", EXACT); /* the surest evidence counts for all */
	IS(bucket, "io_hash_bucket.lock", EXACT);
	IS(open, "kmalloc-512+0x0", AMBIGUOUS);
	assert_int_equal(items[again].one_with, group);
	assert_int_equal(items[other].one_with, bucket);
	assert_int_equal(items[open].one_with, open);
	assert_int_not_equal(items[group].one_with, items[bucket].one_with);
}

/* One call for two members, which the compiler has joined: of the lower one's place it is not believed. */
static void test_no_room(void **state)
{
	size_t wr = add(CACHE_A, 0xe0, SITES_BY_USE, "pipe.wr_wait", "pipe.wr_wait", 0xe0);
	size_t rd = add(CACHE_A, 0x90, SITES_BY_USE, "pipe.wr_wait", "pipe.wr_wait", 0xe0);
	size_t within = add(CACHE_A, 0x120, SITES_BY_USE, "pipe.wr_wait", "pipe.wr_wait", 0xe0);

	(void)state;
	for (size_t i = 0; i < nr; i++)
		items[i].siting.answer.inner_offset = 0xe0;
	join();
	IS(wr, "pipe.wr_wait", INFERRED);
	IS(rd, "kmalloc-512+0x90", AMBIGUOUS);
	assert_int_equal(items[rd].one_with, rd);
	assert_int_equal(items[within].one_with, wr); /* behind something else in the object */
}

/* Some sites know the struct around the type, some do not; two structs around it are two classes. */
static void test_outer(void **state)
{
	size_t nfc = add(CACHE_A, 0x98, SITES_BY_TYPE, "nfc_dev.dev.mutex", "device.mutex", 0x98);
	size_t plain = add(CACHE_A, 0x98, SITES_BY_TYPE, "device.mutex", "device.mutex", 0x88);
	size_t b1 = add(CACHE_B, 0x98, SITES_BY_TYPE, "one.dev.mutex", "device.mutex", 0x98);
	size_t b2 = add(CACHE_B, 0x98, SITES_BY_TYPE, "two.dev.mutex", "device.mutex", 0x98);
	size_t b3 = add(CACHE_B, 0x98, SITES_BY_TYPE, "device.mutex", "device.mutex", 0x88);

	(void)state;
	join();
	IS(nfc, "nfc_dev.dev.mutex", EXACT);
	IS(plain, "nfc_dev.dev.mutex", EXACT);
	assert_int_equal(items[plain].one_with, nfc);
	IS(b1, "one.dev.mutex", EXACT);
	IS(b2, "two.dev.mutex", EXACT);
	IS(b3, "device.mutex", EXACT);
	for (size_t i = b1; i <= b3; i++)
		assert_int_equal(items[i].one_with, i);
}

/* Elements of an array, of which one site knows the array and another the element: also of one that ends a struct. */
static void test_elements(void **state)
{
	size_t first = add(CACHE_A, 0x150, SITES_BY_USE, "sem_array.sems[].lock", "sem.lock", 0x150);
	size_t third = add(CACHE_A, 0x1d0, SITES_BY_USE, "sem.lock", "sem.lock", 4);
	size_t askew = add(CACHE_A, 0x1d8, SITES_BY_USE, "sem.lock", "sem.lock", 4);
	size_t before = add(CACHE_A, 0x110, SITES_BY_USE, "sem.lock", "sem.lock", 4);
	size_t elsewhere = add(CACHE_B, 0x1d0, SITES_BY_USE, "sem.lock", "sem.lock", 4);

	(void)state;
	for (size_t i = first; i <= elsewhere; i++)
		items[i].siting.answer.inner_size = 0x40;
	items[first].siting.answer.size = 0x140; /* the array is not of it */
	join();
	IS(third, "sem_array.sems[].lock", INFERRED);
	assert_int_equal(items[third].one_with, first);
	IS(askew, "sem.lock", INFERRED);
	IS(before, "sem.lock", INFERRED);
	IS(elsewhere, "sem.lock", INFERRED);
}

/* What is not known is called as the only type that is at its place, and joined with none. */
static void test_like(void **state)
{
	size_t table = add(CACHE_A, 0x18, SITES_BY_TYPE, "fib6_table.tb6_lock", "fib6_table.tb6_lock", 0x18);
	size_t open = add(CACHE_A, 0x18, SITES_BY_TYPE, NULL, NULL, 0);
	size_t one = add(CACHE_B, 0x20, SITES_BY_TYPE, "one.lock", "one.lock", 0x20);
	size_t other = add(CACHE_B, 0x20, SITES_BY_TYPE, "other.lock", "other.lock", 0x20);
	size_t either = add(CACHE_B, 0x20, SITES_BY_TYPE, NULL, NULL, 0);

	(void)state;
	join();
	IS(open, "fib6_table.tb6_lock", AMBIGUOUS);
	IS(either, "kmalloc-512+0x20", AMBIGUOUS);
	IS(table, "fib6_table.tb6_lock", EXACT);
	for (size_t i = table; i <= either; i++)
		assert_int_equal(items[i].one_with, i);
	assert_int_not_equal(one, other);
}

/* What the kernel told of a place says nothing of a stranger's lock there. */
static void test_told_beside_typed(void **state)
{
	size_t journal = add(CACHE_A, 0x78, SITES_BY_TYPE, "journal_s.j_list_lock",
			     "journal_s.j_list_lock", 0x78);
	size_t told = add(CACHE_A, 0x78, SITES_BY_TYPE, NULL, NULL, 0);
	size_t alone = add(CACHE_B, 0x78, SITES_BY_TYPE, NULL, NULL, 0);

	(void)state;
	for (size_t i = told; i <= alone; i++) {
		snprintf(results[i].name, sizeof(results[i].name), "sctp_association.wait");
		snprintf(results[i].alias, sizeof(results[i].alias), "&asoc->wait");
		results[i].certainty = NAMES_EXACT;
	}
	join();
	IS(journal, "journal_s.j_list_lock", EXACT);
	IS(told, "sctp_association.wait", AMBIGUOUS);
	IS(alone, "sctp_association.wait", EXACT);
	assert_int_equal(items[told].one_with, told);
}

/* The member of the only type there that the kernel has told a name for: what is not typed is that. */
static void test_told_as_typed(void **state)
{
	size_t io = add(CACHE_A, 0xc0, SITES_BY_USE, "f2fs_bio_info.io_rwsem.internal_rwsem",
			"f2fs_bio_info.io_rwsem.internal_rwsem", 0xc0);
	size_t open = add(CACHE_A, 0xc0, SITES_BY_TYPE, NULL, NULL, 0);
	size_t other = add(CACHE_A, 0x10, SITES_BY_USE, "pipe.mutex", "pipe.mutex", 0x10);
	size_t second = add(CACHE_A, 0x10, SITES_BY_USE, "seq_file.mutex", "seq_file.mutex", 0x10);
	size_t either = add(CACHE_A, 0x10, SITES_BY_TYPE, NULL, NULL, 0);
	size_t shorter = add(CACHE_B, 0x10, SITES_BY_USE, "pipe.mutex_of", "pipe.mutex_of", 0x10);
	size_t unlike = add(CACHE_B, 0x10, SITES_BY_TYPE, NULL, NULL, 0);

	(void)state;
	snprintf(results[open].alias, sizeof(results[open].alias), "&io->io_rwsem");
	snprintf(results[either].alias, sizeof(results[either].alias), "&pipe->mutex");
	snprintf(results[unlike].alias, sizeof(results[unlike].alias), "&pipe->mutex");
	join();
	IS(open, "f2fs_bio_info.io_rwsem.internal_rwsem", INFERRED);
	assert_int_equal(items[open].one_with, io);
	assert_int_equal(results[either].certainty, NAMES_AMBIGUOUS);
	assert_int_equal(items[either].one_with, either);
	assert_int_equal(items[unlike].one_with, unlike);
	assert_int_equal(items[other].one_with, other);
	assert_int_equal(items[second].one_with, second);
	assert_int_equal(items[shorter].one_with, shorter);
}

/* Another call in the function takes the lock at this place, and is typed. */
static void test_sibling(void **state)
{
	size_t slow = add(CACHE_A, 0x110, SITES_BY_USE, "sem_array.sems[].lock", "sem.lock", 0x110);
	size_t fast = add(CACHE_A, 0x110, SITES_BY_TYPE, NULL, NULL, 0);
	size_t elsewhere = add(CACHE_A, 0x118, SITES_BY_TYPE, NULL, NULL, 0);
	size_t stranger = add(CACHE_A, 0x110, SITES_BY_TYPE, NULL, NULL, 0);

	(void)state;
	items[slow].siting.answer.function = 0xffffffff81001000;
	items[fast].siting.function = items[elsewhere].siting.function = 0xffffffff81001000;
	items[stranger].siting.function = 0xffffffff81002000;
	join();
	IS(fast, "sem_array.sems[].lock", INFERRED);
	assert_int_equal(items[fast].one_with, slow);
	assert_int_equal(items[elsewhere].one_with, elsewhere);
	assert_int_equal(items[stranger].one_with, stranger);
}

/* Objects looked at both as they did at the other: often enough, and of one type. */
static void test_alike(void **state)
{
	size_t event = add(CACHE_A, 8, SITES_BY_TYPE, "eventfd_ctx.wqh", "eventfd_ctx.wqh", 8);
	size_t open = add(CACHE_A, 8, SITES_BY_TYPE, NULL, NULL, 0);
	size_t through = add(CACHE_A, 8, SITES_BY_TYPE, NULL, NULL, 0);
	size_t seldom = add(CACHE_A, 8, SITES_BY_TYPE, NULL, NULL, 0);
	size_t moved = add(CACHE_B, 8, SITES_BY_TYPE, NULL, NULL, 0);
	size_t data = add(CACHE_A, 8, SITES_BY_TYPE, "vcs_poll_data.waitq", "vcs_poll_data.waitq", 8);
	size_t both = add(CACHE_A, 8, SITES_BY_TYPE, NULL, NULL, 0);

	(void)state;
	alike(open, 0, event, LV_ALIKE_RICH);
	alike(through, 1, open, 0x0e);
	alike(seldom, 0, event, 0x41);
	alike(moved, 0, event, 0xff);
	alike(both, 0, data, 0xff);
	join();
	IS(open, "eventfd_ctx.wqh", EXACT);
	assert_int_equal(items[open].one_with, event);
	assert_int_equal(items[through].one_with, event);
	assert_int_equal(items[seldom].one_with, seldom);
	assert_int_equal(items[moved].one_with, moved);
	assert_int_equal(items[both].one_with, data);
	alike(both, 1, open, 0xff);
	for (size_t i = 0; i < nr; i++)
		results[i].certainty = NAMES_AMBIGUOUS;
	join();
	assert_int_equal(items[both].one_with, both); /* of two types at once, nothing is believed */
	assert_int_equal(items[open].one_with, open);
}

/* A guess alone is a name to show; to join by, it needs the name that the kernel told, or what fits the memory. */
static void test_hint(void **state)
{
	size_t alone = add(CACHE_A, 0x28, SITES_BY_HINT, "reiserfs_sb_info.lock",
			   "reiserfs_sb_info.lock", 0x28);
	size_t told = add(CACHE_B, 0x28, SITES_BY_HINT, "reiserfs_sb_info.lock",
			  "reiserfs_sb_info.lock", 0x28);
	size_t elsewhere = add(CACHE_B, 0x30, SITES_BY_HINT, "reiserfs_sb_info.lock",
			       "reiserfs_sb_info.lock", 0x28);
	size_t fits = add(CACHE_A, 0x8, SITES_BY_HINT, "eventfd_ctx.wqh", "eventfd_ctx.wqh", 0x8);
	size_t other = add(CACHE_A, 0x8, SITES_BY_HINT, "eventfd_ctx.wqh", "eventfd_ctx.wqh", 0x8);

	(void)state;
	for (size_t i = 0; i < nr; i++) {
		items[i].siting.hint = items[i].siting.answer;
		memset(&items[i].siting.answer, 0, sizeof(items[i].siting.answer));
	}
	snprintf(results[told].alias, sizeof(results[told].alias), "&sbi->lock");
	snprintf(results[elsewhere].alias, sizeof(results[elsewhere].alias), "&sbi->lock");
	snprintf(results[fits].name, sizeof(results[fits].name), "eventfd_ctx.wqh@kmalloc-64#2");
	snprintf(results[other].name, sizeof(results[other].name), "eventfd_ctx.wq@kmalloc-64#2");
	join();
	IS(fits, "eventfd_ctx.wqh", INFERRED);
	IS(other, "eventfd_ctx.wqh", AMBIGUOUS);
	assert_int_equal(items[other].one_with, other);
	IS(alone, "reiserfs_sb_info.lock", AMBIGUOUS);
	assert_int_equal(items[alone].one_with, alone);
	IS(told, "reiserfs_sb_info.lock", INFERRED);
	IS(elsewhere, "reiserfs_sb_info.lock", AMBIGUOUS);
	assert_int_equal(items[elsewhere].one_with, elsewhere);
}

static void guess(size_t i, uint64_t function)
{
	items[i].siting.hint = items[i].siting.answer;
	items[i].siting.hint.function = function;
	memset(&items[i].siting.answer, 0, sizeof(items[i].siting.answer));
}

/* Two functions that guess the same of one place, or of two elements of an array, are believed. */
static void test_shared_hint(void **state)
{
	size_t link = add(CACHE_A, 0x60, SITES_BY_HINT, "shmem_sb_info.stat_lock",
			  "shmem_sb_info.stat_lock", 0x60);
	size_t unlink = add(CACHE_A, 0x60, SITES_BY_HINT, "shmem_sb_info.stat_lock",
			    "shmem_sb_info.stat_lock", 0x60);
	size_t twice = add(CACHE_B, 0x60, SITES_BY_HINT, "shmem_sb_info.stat_lock",
			   "shmem_sb_info.stat_lock", 0x60);
	size_t same = add(CACHE_B, 0x60, SITES_BY_HINT, "shmem_sb_info.stat_lock",
			  "shmem_sb_info.stat_lock", 0x60);
	size_t first = add(CACHE_A, 0, SITES_BY_HINT, "blockgroup_lock.locks[].lock",
			   "bgl_lock.lock", 0);
	size_t third = add(CACHE_A, 0x80, SITES_BY_HINT, "blockgroup_lock.locks[].lock",
			   "bgl_lock.lock", 0);

	(void)state;
	guess(link, 1);
	guess(unlink, 2);
	guess(twice, 3);
	guess(same, 3);
	guess(first, 4);
	guess(third, 5);
	items[first].siting.hint.size = items[third].siting.hint.size = 0x100;
	join();
	IS(link, "shmem_sb_info.stat_lock", INFERRED);
	assert_int_equal(items[unlink].one_with, link);
	IS(twice, "shmem_sb_info.stat_lock", AMBIGUOUS);
	IS(same, "shmem_sb_info.stat_lock", AMBIGUOUS);
	assert_int_equal(items[same].one_with, same);
	assert_int_equal(results[first].certainty, NAMES_INFERRED);
	assert_int_equal(items[third].one_with, first);
}

/* What the functions on the stacks were given joins a class with a typed one at its place, and no other. */
static void test_prototypes(void **state)
{
	size_t typed = add(CACHE_A, 0x10, SITES_BY_TYPE, "pid.lock", "pid.lock", 0x10);
	size_t given = add(CACHE_A, 0x10, SITES_BY_TYPE, NULL, NULL, 0);
	size_t unsure = add(CACHE_A, 0x10, SITES_BY_TYPE, NULL, NULL, 0);
	size_t elsewhere = add(CACHE_B, 0x10, SITES_BY_TYPE, NULL, NULL, 0);

	(void)state;
	for (size_t i = given; i <= elsewhere; i++) {
		snprintf(results[i].name, sizeof(results[i].name), "pid.lock");
		results[i].kind = "kmalloc";
		results[i].certainty = i == unsure ? NAMES_AMBIGUOUS : NAMES_INFERRED;
		results[i].by_callsite = true;
	}
	join();
	assert_int_equal(items[given].one_with, typed);
	assert_int_equal(items[unsure].one_with, unsure);
	assert_int_equal(items[elsewhere].one_with, elsewhere);
}

/* The kernel's own sockets are another class, and called so. */
static void test_kernel_socket(void **state)
{
	size_t user = add(CACHE_A, 0x98, SITES_BY_TYPE, "sock.sk_lock", "sock.sk_lock", 0x98);
	size_t kernel = add(CACHE_A, 0x98, SITES_BY_TYPE, "sock.sk_lock", "sock.sk_lock", 0x98);

	(void)state;
	classes[kernel].subclass = LV_SUBCLASS_KERNEL;
	join();
	IS(user, "sock.sk_lock", EXACT);
	IS(kernel, "k-sock.sk_lock", EXACT);
	assert_int_equal(items[kernel].one_with, kernel);
}

/* A twin is a class beside the one it is the twin of; two types in one class are ambiguous. */
static void test_apart(void **state)
{
	size_t outer = add(CACHE_A, 0, SITES_BY_TYPE, "Qdisc.q.lock", "qdisc_skb_head.lock", 0);
	size_t twin = add(CACHE_A, 0, SITES_BY_TYPE, "Qdisc.q.lock", "qdisc_skb_head.lock", 0);
	size_t two = add(CACHE_B, 0, SITES_BY_TYPE, "a.lock", "a.lock", 0);

	(void)state;
	classes[twin].subclass = 1;
	items[two].siting.contradicts = true;
	results[two].certainty = NAMES_INFERRED;
	join();
	IS(outer, "Qdisc.q.lock", EXACT);
	IS(twin, "Qdisc.q.lock/1", EXACT);
	assert_int_equal(items[twin].one_with, twin);
	assert_int_equal(results[two].certainty, NAMES_AMBIGUOUS);
}

/* A class on a stack, and what its site says of the lock: for sure, or by a guess of a function. */
static size_t add_stack(enum sites_strength strength, const char *name, uint64_t function)
{
	size_t i = add(0, 0, strength, name, name, 0);

	classes[i].place.kind = LV_PLACE_STACK;
	snprintf(results[i].name, sizeof(results[i].name), "wait_queue_head");
	if (strength == SITES_BY_HINT) {
		items[i].siting.hint = items[i].siting.answer;
		items[i].siting.hint.function = function;
		memset(&items[i].siting.answer, 0, sizeof(items[i].siting.answer));
	}
	return i;
}

/* Classes on stacks are called by what their sites lock, if that is sure or two functions guess it, and are folded by that. */
static void test_stacks(void **state)
{
	size_t ticket = add_stack(SITES_BY_TYPE, "reserve_ticket.wait", 0);
	size_t unhash = add_stack(SITES_BY_HINT, "dentry.d_wait", 1);
	size_t add_dentry = add_stack(SITES_BY_HINT, "dentry.d_wait", 2);
	size_t alone = add_stack(SITES_BY_HINT, "poll_wqueues.wait_address", 3);
	size_t again = add_stack(SITES_BY_HINT, "poll_wqueues.wait_address", 3);
	size_t open = add_stack(SITES_BY_TYPE, NULL, 0);
	size_t two = add_stack(SITES_BY_TYPE, "one.lock", 0);
	size_t given = add_stack(SITES_BY_TYPE, "wq_barrier.done.wait", 0);
	size_t own = add_stack(SITES_BY_TYPE, NULL, 0);
	size_t twin = add_stack(SITES_BY_TYPE, NULL, 0);

	(void)state;
	items[two].siting.contradicts = true;
	snprintf(results[given].name, sizeof(results[given].name), "completion.wait");
	results[given].certainty = NAMES_INFERRED;
	snprintf(items[own].siting.own, sizeof(items[own].siting.own), "shmem_fallocate");
	snprintf(items[twin].siting.own, sizeof(items[twin].siting.own), "shmem_fallocate");
	snprintf(results[twin].name, sizeof(results[twin].name), "wait_queue_head/1");
	classes[twin].subclass = LV_SUBCLASS_TWIN;
	join();
	IS(own, "wait_queue_head in shmem_fallocate", INFERRED);
	IS(twin, "wait_queue_head in shmem_fallocate/1", INFERRED);
	assert_false(results[own].collapsed);
	IS(ticket, "reserve_ticket.wait", INFERRED);
	IS(unhash, "dentry.d_wait", INFERRED);
	IS(add_dentry, "dentry.d_wait", INFERRED);
	IS(alone, "wait_queue_head", AMBIGUOUS);
	IS(again, "wait_queue_head", AMBIGUOUS);
	IS(open, "wait_queue_head", AMBIGUOUS);
	IS(two, "wait_queue_head", AMBIGUOUS);
	IS(given, "completion.wait", INFERRED); /* prototypes have named it */
	assert_true(results[ticket].collapsed && results[unhash].collapsed);
	assert_false(results[open].collapsed);
}

/* Two sites whose objects look alike lock one thing, whatever it is; but not if both are of two types at once. */
static void test_alike_and_open(void **state)
{
	size_t one = add(CACHE_A, 8, SITES_BY_TYPE, NULL, NULL, 0);
	size_t like = add(CACHE_A, 8, SITES_BY_TYPE, NULL, NULL, 0);
	size_t other = add(CACHE_A, 8, SITES_BY_TYPE, NULL, NULL, 0);
	size_t first = add(CACHE_B, 8, SITES_BY_TYPE, "first.lock", "first.lock", 8);
	size_t second = add(CACHE_B, 8, SITES_BY_TYPE, "second.lock", "second.lock", 8);
	size_t both = add(CACHE_B, 8, SITES_BY_TYPE, NULL, NULL, 0);
	size_t too = add(CACHE_B, 8, SITES_BY_TYPE, NULL, NULL, 0);

	(void)state;
	snprintf(results[like].name, sizeof(results[like].name), "guess.lock");
	alike(like, 0, one, LV_ALIKE_RICH);
	alike(other, 0, one, 0x41);
	alike(both, 0, first, LV_ALIKE_RICH);
	alike(both, 1, second, LV_ALIKE_RICH);
	alike(too, 0, both, LV_ALIKE_RICH);
	join();
	assert_int_equal(items[like].one_with, one);
	IS(like, "kmalloc-512+0x8", AMBIGUOUS);
	assert_int_equal(items[other].one_with, other);
	assert_int_equal(items[both].one_with, both);
	assert_int_equal(items[too].one_with, too);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_join, begin),
		cmocka_unit_test_setup(test_no_room, begin),
		cmocka_unit_test_setup(test_outer, begin),
		cmocka_unit_test_setup(test_hint, begin),
		cmocka_unit_test_setup(test_shared_hint, begin),
		cmocka_unit_test_setup(test_prototypes, begin),
		cmocka_unit_test_setup(test_kernel_socket, begin),
		cmocka_unit_test_setup(test_elements, begin),
		cmocka_unit_test_setup(test_like, begin),
		cmocka_unit_test_setup(test_told_beside_typed, begin),
		cmocka_unit_test_setup(test_told_as_typed, begin),
		cmocka_unit_test_setup(test_alike, begin),
		cmocka_unit_test_setup(test_sibling, begin),
		cmocka_unit_test_setup(test_apart, begin),
		cmocka_unit_test_setup(test_stacks, begin),
		cmocka_unit_test_setup(test_alike_and_open, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
