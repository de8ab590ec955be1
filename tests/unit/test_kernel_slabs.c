// SPDX-License-Identifier: GPL-2.0-only
/* Locks in slab objects: which caches share slabs, what a cache holds, and what names betray. */
#include "test_naming_names.h"

#include "naming/cachetype.h"

static void test_typed(void **state)
{
	(void)state;
	slab("userfaultfd_ctx_cache", 176, NULL);
	slab("sighand_cache", 2080, NULL);
	slab("ext4_inode_cache", 1160, NULL);
	slab("inode_cache", 624, NULL);
	slab("sock_inode_cache", 768, NULL);
	slab("task_struct", 8392, NULL);
	SLAB(":0000576", 576, "kioctx");
	load_slabs();
	add_slab("userfaultfd_ctx_cache", 176, 0x30, LV_SPIN);
	add_slab("sighand_cache", 2080, 0, LV_SPIN);
	add_slab("ext4_inode_cache", 1160, 0x180, LV_SPIN);
	add_slab("inode_cache", 624, 0x80, LV_SPIN);
	add_slab("sock_inode_cache", 768, 0x100, LV_SPIN);
	add_slab("task_struct", 8392, 0xb90, LV_SPIN);
	add_slab("kioctx", 576, 0x100, LV_SPIN);
	add_slab("kioctx", 576, 0x10, LV_SPIN);
	add_slab("ext4_inode_cache", 1200, 0x4a0, LV_SPIN);
	tell("userfaultfd_ctx_cache", 176, 0x30, "&ctx->fd_wqh");
	name_all();
	NAMED(0, "userfaultfd_ctx.fd_wqh", EXACT);
	assert_string_equal(world.results[0].alias, "&ctx->fd_wqh");
	assert_string_equal(world.results[0].key, "userfaultfd_ctx_cache+0x30");
	assert_string_equal(world.results[0].kind, "slab");
	NAMED(1, "sighand_struct.siglock", EXACT);
	NAMED(2, "ext4_inode_info.vfs_inode.i_lock", EXACT);
	NAMED(3, "inode.i_lock", EXACT);
	NAMED(4, "socket_alloc.vfs_inode.i_lock", EXACT);
	NAMED(5, "task_struct.pi_lock", EXACT);	   /* the objects are smaller than the struct */
	NAMED(6, "kioctx.ctx_lock", EXACT);	   /* mergeable, but merged with nothing */
	NAMED(7, "kioctx+0x10", AMBIGUOUS);	   /* struct kioctx has no lock there */
	NAMED(8, "ext4_inode_cache+0x4a0", EXACT); /* behind the struct */
}

/* A module without BTF: its cache's name and the names it passes are all there is. */
static void test_typed_without_btf(void **state)
{
	(void)state;
	slab("lv_uffd_ctx_cache", 176, NULL);
	load_slabs();
	add_slab("lv_uffd_ctx_cache", 176, 0x30, LV_SPIN);
	add_slab("lv_uffd_ctx_cache", 176, 0x58, LV_SPIN);
	add_slab("lv_uffd_ctx_cache", 176, 0x80, LV_SPIN);
	add_slab("gone_cache", 176, 0x30, LV_SPIN)->place.site = LV_SITE_OPEN;
	/* userfaultfd_ctx has the same size and member: it is not what lies here */
	tell("lv_uffd_ctx_cache", 176, 0x30, "&ctx->fd_wqh");
	tell("lv_uffd_ctx_cache", 176, 0x80, "&ctx->one")->clashes = 1;
	tell("gone_cache", 176, 0x30, "&ctx->fd_wqh");
	name_all();
	NAMED(0, "lv_uffd_ctx_cache.fd_wqh", EXACT);
	NAMED(1, "lv_uffd_ctx_cache+0x58", EXACT);
	NAMED(2, "lv_uffd_ctx_cache.one", AMBIGUOUS);
	assert_string_equal(world.results[2].alias, ""); /* which one came first is chance */
	NAMED(3, "gone_cache.fd_wqh", INFERRED);	 /* no telling what it was merged with */
}

/* The founding case: kioctx shares its slabs, its wait queue's name tells it apart. */
static void test_merged(void **state)
{
	(void)state;
	SLAB(":0000576", 576, "kioctx", "bfq_queue");
	load_slabs();
	add_slab("bfq_queue", 576, 0x100, LV_SPIN);
	add_slab("bfq_queue", 576, 0x160, LV_SPIN);
	add_slab("bfq_queue", 576, 0x40, LV_SPIN);
	tell("bfq_queue", 576, 0x160, "&ctx->wait");
	name_all();
	NAMED(0, "kioctx.ctx_lock", INFERRED);
	NAMED(1, "kioctx.wait", INFERRED);
	assert_string_equal(world.results[1].alias, "&ctx->wait");
	NAMED(2, ":0000576+0x40", AMBIGUOUS);
	assert_string_equal(world.results[2].key, "bfq_queue+0x40 (bfq_queue, kioctx)");
}

static void test_merged_rivals(void **state)
{
	(void)state;
	SLAB(":A-0001024", 1024, "PING", "UNIX", "UNIX-STREAM");
	SLAB(":A-0001025", 1024, "UNIX-DGRAM", "UNIX-STREAM2");
	SLAB(":A-0001152", 1152, "UDP", "UDP-Lite");
	load_slabs();
	add_slab("PING", 1024, 0x98, LV_SPIN);	/* inet_sock's and unix_sock's */
	add_slab("PING", 1024, 0x320, LV_SPIN); /* only unix_sock's */
	add_slab("UDP", 1152, 0x98, LV_SPIN);	/* both caches are of one struct */
	add_slab("UNIX-DGRAM", 1024, 0x98, LV_SPIN);
	name_all();
	NAMED(0, "sock.sk_lock", INFERRED); /* what both begin with */
	NAMED(1, "unix_sock.lock", INFERRED);
	NAMED(2, "udp_sock.inet.sk.sk_lock", EXACT);
	NAMED(3, ":A-0001025+0x98", AMBIGUOUS);
	/* a name tells that there are unix sockets, not that there are no others */
	tell("PING", 1024, 0x340, "&u->peer_wait");
	name_all();
	NAMED(0, "sock.sk_lock", INFERRED);
	NAMED(1, "unix_sock.lock", INFERRED);
}

static void test_merged_unknown(void **state)
{
	(void)state;
	SLAB(":0000192", 192, "aio_kiocb", "lv_uffd_ctx_cache");
	slab("userfaultfd_ctx_cache", 176, NULL);
	load_slabs();
	add_slab("aio_kiocb", 192, 0x30, LV_SPIN);
	tell("aio_kiocb", 192, 0x30, "&ctx->fd_wqh");
	name_all();
	/* userfaultfd_ctx would fit, but lives elsewhere; two caches are unknown */
	NAMED(0, ":0000192.fd_wqh", AMBIGUOUS);
}

static void test_kmalloc(void **state)
{
	(void)state;
	slab("kmalloc-192", 192, NULL);
	slab("kmalloc-cg-192", 192, NULL);
	slab("kmalloc-256", 256, NULL);
	load_slabs();
	add_slab("kmalloc-cg-192", 192, 0x20, LV_SPIN);
	add_slab("kmalloc-cg-192", 192, 0, LV_MUTEX);
	add_slab("kmalloc-192", 192, 0x20, LV_SPIN);
	add_slab("kmalloc-256", 256, 0x58, LV_SPIN);
	add_slab("kmalloc-cg-192", 192, 0x20, LV_RWSEM);
	tell("kmalloc-cg-192", 192, 0x20, "&pipe->rd_wait");
	tell("kmalloc-256", 256, 0x58, "&x->unheard_of");
	name_all();
	NAMED(0, "pipe_inode_info.rd_wait", INFERRED);
	assert_string_equal(world.results[0].kind, "kmalloc");
	NAMED(1, "pipe_inode_info.mutex", AMBIGUOUS); /* struct stranger has one there too */
	NAMED(2, "kmalloc-192+0x20", AMBIGUOUS);
	NAMED(3, "kmalloc-256.unheard_of", AMBIGUOUS);
	NAMED(4, "kmalloc-cg-192+0x20", AMBIGUOUS); /* a stranger's, not the wait queue */
	assert_string_equal(world.results[4].alias, "");
}

/* Which of kmalloc's caches of a size a call site gets is drawn at each boot: no name has it. */
static void test_drawn(void **state)
{
	static const char *const names[][2] = {
		{"kmalloc-rnd-07-512", "kmalloc-512"},	{"kmalloc-part-15-1k", "kmalloc-1k"},
		{"kmalloc-cg-512", "kmalloc-cg-512"},	{"kmalloc-rnd-", "kmalloc-rnd-"},
		{"kmalloc-rnd-512", "kmalloc-rnd-512"}, {"mykmalloc-rnd-07-512", "mykmalloc-rnd-07-512"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		char name[LV_NAME_LEN];

		snprintf(name, sizeof(name), "%s", names[i][0]);
		slab_name_drop_draw(name);
		assert_string_equal(name, names[i][1]);
	}
	add_slab("kmalloc-rnd-07-512", 512, 0x40, LV_RWLOCK);
	name_all();
	NAMED(0, "kmalloc-512+0x40", AMBIGUOUS);
	assert_string_equal(world.results[0].key, "kmalloc-512+0x40");
	assert_string_equal(world.results[0].cache, "kmalloc-512");
	assert_string_equal(world.results[0].kind, "kmalloc");
}

static void test_slabs(void **state)
{
	const struct slab *s;

	(void)state;
	assert_int_equal(slabs_load(fixture_path("absent"), &world.slabs), 0);
	assert_false(slabs_known(world.slabs));
	assert_null(slabs_find(world.slabs, "dentry"));
	slabs_free(world.slabs);
	slab("dentry", 192, NULL);
	SLAB(":0000576", 576, "kioctx", "bfq_queue");
	SLAB(":0000024", 24, "alone");
	fixture_write("slab/:0000024/aliases", "1\n"); /* of one more we cannot see */
	load_slabs();
	assert_true(slabs_known(world.slabs));
	s = slabs_find(world.slabs, "dentry");
	assert_true(s && !s->merged && s->nr_names == 1 && s->object_size == 192);
	s = slabs_find(world.slabs, "kioctx");
	assert_true(s && s->merged && s->nr_names == 2 && s->object_size == 576);
	assert_string_equal(s->id, ":0000576");
	assert_string_equal(s->names[0], "bfq_queue");
	assert_ptr_equal(slabs_find(world.slabs, ":0000576"), s);
	s = slabs_find(world.slabs, "alone");
	assert_true(s && s->merged);
	assert_null(slabs_find(world.slabs, "absent"));
}

static void test_cachetype(void **state)
{
	struct cachetype t;

	(void)state;
	assert_true(cachetype_names_struct("sighand_cache", "sighand_struct"));
	assert_true(cachetype_names_struct("TCP", "tcp_sock"));
	assert_false(cachetype_names_struct("TCP", "sock"));
	assert_false(cachetype_names_struct("_cache", "_struct"));
	/* the size refuses a struct that only the ending suggests */
	cachetype_lock(world.btf, "sighand_cache", 4096, 0, LV_SPIN, &t);
	assert_int_equal(t.state, CACHETYPE_UNKNOWN);
	cachetype_lock(world.btf, "sighand_cache", 2080, 0x20, LV_SPIN, &t);
	assert_int_equal(t.state, CACHETYPE_NO_LOCK);
	cachetype_lock(world.btf, "sighand_cache", 2080, 0, LV_SPIN, &t);
	assert_int_equal(t.state, CACHETYPE_LOCK);
	/* a lock past the end of the object is none */
	cachetype_lock(world.btf, "task_struct", 0xb92, 0xb90, LV_SPIN, &t);
	assert_int_equal(t.state, CACHETYPE_NO_LOCK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_drawn),	  TEST(test_typed),	  TEST(test_typed_without_btf), TEST(test_merged),
		TEST(test_merged_rivals), TEST(test_merged_unknown),	TEST(test_kmalloc),
		TEST(test_slabs),	  TEST(test_cachetype),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
