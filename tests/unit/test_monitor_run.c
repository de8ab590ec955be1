// SPDX-License-Identifier: GPL-2.0-only
/*
 * The whole daemon as a process, on a simulated machine in place of a kernel: what stands for
 * trace/programs.h and trace/words.h here is in front of the library's. The recorder is the real one.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "capture/db.h"
#include "daemon/monitor.h"
#include "store/state.h"
#include "replay/machine.h"
#include "trace/presence.h"
#include "trace/programs.h"
#include "trace/selfcheck.h"
#include "trace/words.h"

/* --- the machine, in a thread of its own ---------------------------------- */

struct programs {
	struct world *world;
	bool attached;
};

static struct programs fake;
static int commands[2]; /* the parent's: a byte is a round of the scenario */
static pthread_barrier_t ready;

static const struct machine_op irq = { .family = LV_SPIN, .irq = LV_IRQ_OFF };
static const struct machine_op irq_on = { .family = LV_SPIN, .irq = LV_IRQ_ON };
static const struct machine_op plain = { .family = LV_SPIN };

static void nest(struct machine *m, uint64_t outer, uint64_t inner)
{
	machine_lock(m, outer, &irq);
	machine_lock(m, inner, &plain);
	machine_unlock(m, inner, &plain);
	machine_unlock(m, outer, &irq_on);
}

/* As tests/scenarios/founding.lv. */
static void founding(struct machine *m, const uint64_t lock[3])
{
	nest(m, lock[1], lock[2]);
	nest(m, lock[0], lock[1]);
	machine_lock(m, lock[2], &plain);
	machine_unlock(m, lock[2], &plain);
	machine_enter(m, LV_LEVEL_SOFTIRQ);
	machine_lock(m, lock[0], &irq);
	machine_unlock(m, lock[0], &irq_on);
	machine_exit(m, LV_LEVEL_SOFTIRQ);
}

static void *run_machine(void *arg)
{
	const struct machine_options options = { .nr_cpus = 2, .nr_locks = 16 };
	struct machine *m = machine_new(&options);
	uint64_t lock[3], frame = 0xffffffff81000000;
	char byte;

	machine_reset(m);
	for (int i = 0; i < 3; i++) {
		lock[i] = machine_add_lock(m, LV_SPIN);
		machine_tell_class(m, lock[i], i);
	}
	fake.world = machine_world(m);
	fake.world->annotated = true;
	world_disarm(fake.world);
	machine_switch(m, 1, "poller");
	machine_at(m, &frame, 1);
	pthread_barrier_wait(&ready);
	while (read(commands[0], &byte, 1) == 1)
		founding(m, lock);
	return NULL;
}

/* --- in place of the kernel ------------------------------------------------- */

int programs_prepare(const struct plan *plan, programs_progress progress, void *arg,
		     struct programs **ret, struct error *err)
{
	pthread_t thread;

	pthread_barrier_init(&ready, NULL, 2);
	if (pthread_create(&thread, NULL, run_machine, NULL))
		return error_set(err, -EAGAIN, "no thread");
	pthread_barrier_wait(&ready);
	fake.attached = true;
	progress(arg, 0, 1);
	*ret = &fake;
	return 0;
}

void programs_start(struct programs *p)
{
	if (!p->attached)
		abort();
	world_arm(p->world);
}

bool programs_renew(struct programs *p)
{
	return true;
}

/* On SIGUSR1 there is contention, while it is armed. */
static volatile sig_atomic_t contended;

static void contend(int signal)
{
	contended = 1;
}

uint64_t programs_waits(const struct programs *p)
{
	static uint64_t waits;
	static struct timespec last;
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (contended && __atomic_load_n(&p->world->control.word, __ATOMIC_SEQ_CST))
		waits += (now.tv_sec - last.tv_sec) * 100000 + (now.tv_nsec - last.tv_nsec) / 10000;
	else
		contended = 0;
	last = now;
	return waits;
}

uint64_t programs_resume(struct programs *p)
{
	programs_stop(p);
	programs_start(p);
	return 0;
}

void programs_probe(struct programs *p)
{
}

int programs_reset(struct programs *p, struct error *err)
{
	return 0;
}

void programs_stop(struct programs *p)
{
	world_disarm(p->world);
}

void programs_tables(struct programs *p, struct tables *ret)
{
	const struct world *w = p->world;

	*ret = (struct tables){ .control = &w->control, .cpus = w->cpus, .nr_cpus = w->nr_cpus,
				.classes = w->classes, .edges = w->edges, .stacks = w->stacks,
				.names = w->names, .facts = w->facts };
}

struct lv_waits *programs_wait_table(struct programs *p)
{
	return &p->world->waits;
}

/* Nobody waits for long. */
int programs_look_at_waits(struct programs *p)
{
	return -EIO;
}

void programs_recursion_misses(struct programs *p, uint64_t ret[static LV_HOOKS + 1])
{
	memset(ret, 0, (LV_HOOKS + 1) * sizeof(*ret));
}

void programs_run_counts(struct programs *p, struct programs_runs ret[static LV_HOOKS + 1])
{
	memset(ret, 0, (LV_HOOKS + 1) * sizeof(*ret));
}

bool programs_detach(struct programs *p, double leave, programs_progress progress, void *arg)
{
	if (__atomic_load_n(&p->world->control.word, __ATOMIC_SEQ_CST))
		abort(); /* disarm before detaching */
	p->attached = false;
	return true;
}

const char *programs_slowest(const struct programs *p, uint64_t *ret_ns)
{
	*ret_ns = 1000;
	return "mutex_lock";
}

int programs_attach(struct programs *p, const struct plan *plan, programs_progress progress,
		    void *arg, struct error *err)
{
	p->attached = true;
	return 0;
}

double programs_in_place(const struct programs *p)
{
	return p->attached;
}

unsigned int programs_left(const struct programs *p, double ret[static LV_HOOKS + 2])
{
	ret[0] = p->attached;
	ret[1] = 0;
	return 1;
}

void programs_finish(struct programs *p)
{
}

int selfcheck(struct programs *p, const struct plan *plan, struct error *err)
{
	return 0;
}

struct words {
	uint32_t *ids;
};

static int describe(void *arg, const struct lv_class *class, struct capture_class *ret)
{
	static const char *const names[] = { "kioctx.ctx_lock", "userfaultfd_ctx.fd_wqh",
					     "userfaultfd_ctx.fault_pending_wqh" };

	ret->name = strdup(names[class->place.base % 3]);
	ret->kind = strdup("told");
	ret->key = strdup("here");
	return ret->name && ret->kind && ret->key ? 0 : -ENOMEM;
}

static char *symbol(void *arg, uint64_t ip)
{
	return strdup("do_something+0x10/0x20");
}

static void moved(void *arg, uint32_t id, uint32_t index)
{
	((struct words *)arg)->ids[index] = id;
}

int words_new(const struct kbtf *btf, struct words **ret)
{
	*ret = calloc(1, sizeof(**ret));
	return *ret ? 0 : -ENOMEM;
}

void words_free(struct words *w)
{
	free(w);
}

void words_forget(struct words *w)
{
}

uint64_t words_taker(const struct words *w, const __u64 *ip, uint32_t nr)
{
	return 0;
}

void words_follow(struct words *w)
{
}

int words_capture(struct words *w, const struct tables *tables, struct capture *ret, uint32_t *ids,
		struct error *err)
{
	const struct tables_words words = { .arg = w, .describe_class = describe,
					    .symbol = symbol, .class_moved = moved };

	w->ids = ids;
	return tables_to_capture(tables, &words, ret);
}

/* --- the daemon, as a process ----------------------------------------------- */

static char folder[] = "/tmp/lockvane-run-XXXXXX";
static char state[PATH_MAX], conf[PATH_MAX], said[PATH_MAX];
static unsigned int number;
static pid_t daemon_pid;
static const char *build = "#1"; /* of the kernel */

static char run_folder[PATH_MAX]; /* where others would be seen */

static int setup(void **unused)
{
	snprintf(run_folder, sizeof(run_folder), "%.100s/run-%u", folder, number);
	snprintf(state, sizeof(state), "%.100s/state-%u", folder, number);
	snprintf(conf, sizeof(conf), "%.100s/conf-%u", folder, number);
	snprintf(said, sizeof(said), "%.100s/said-%u", folder, number++);
	return 0;
}

static void configure(const char *text)
{
	FILE *f = fopen(conf, "w");

	assert_non_null(f);
	fprintf(f, "%s\n", text);
	fclose(f);
}

static int read_config(void *arg, struct config *ret, struct error *err)
{
	int code = config_init(ret);

	code = code ? code : config_read(ret, conf, err);
	return code ? code : config_set(ret, CONFIG_STATE, state, err);
}

static int run_daemon(void)
{
	struct capture *head = capture_new();
	struct plan plan = { .nr_cpus = 2 };
	struct monitor_setup setup = { .plan = &plan, .head = head, .reload = read_config,
				       .folder = run_folder };
	struct error err = {};
	int code;

	signal(SIGUSR1, contend);
	head->kernel = strdup("6.12");
	head->build = strdup(build);
	head->machine = strdup("x86_64");
	code = read_config(NULL, &setup.config, &err);
	code = code ? code : monitor_run(&setup, &err);
	if (code)
		fprintf(stderr, "lockvane: %s\n", err.text);
	return code ? 1 : 0;
}

static void start(void)
{
	assert_int_equal(pipe2(commands, O_CLOEXEC), 0);
	fflush(NULL);
	daemon_pid = fork();
	assert_true(daemon_pid >= 0);
	if (!daemon_pid) {
		int fd = open(said, O_WRONLY | O_CREAT | O_APPEND, 0600);

		dup2(fd, 2);
		close(commands[1]);
		_exit(run_daemon()); /* the machine's thread is still there: no leaks to look for */
	}
	close(commands[0]);
}

static int ended(int signal)
{
	int status;

	kill(daemon_pid, signal);
	assert_int_equal(waitpid(daemon_pid, &status, 0), daemon_pid);
	close(commands[1]);
	daemon_pid = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void trigger(int rounds)
{
	char bytes[1000] = {};

	assert_int_equal(write(commands[1], bytes, rounds), rounds);
}

static unsigned int lines(const char *words)
{
	char line[4096];
	unsigned int nr = 0;
	FILE *f = fopen(said, "r");

	while (f && fgets(line, sizeof(line), f))
		nr += strstr(line, words) != NULL;
	if (f)
		fclose(f);
	return nr;
}

/* Milliseconds until it has said it so often. */
static unsigned int await(const char *words, unsigned int nr)
{
	for (unsigned int ms = 0; ms < 20000; ms += 10) {
		if (lines(words) >= nr)
			return ms;
		usleep(10000);
	}
	fail_msg("waited in vain for \"%s\"", words);
	return 0;
}

/* The one finding there is, in the state; false: none yet. */
static bool recorded(struct known_finding *ret)
{
	struct state_content there;
	struct error err = {};

	if (state_read(state, &there, &err))
		return false;
	if (there.known.nr) {
		assert_int_equal(there.known.nr, 1);
		*ret = there.known.items[0];
	}
	ret->kernel = ret->build = ret->chain = ret->text = ret->json = NULL;
	state_content_done(&there);
	return ret->id[0];
}

#define ALWAYS "budget = 100%\nlog-level = debug"

static void test_life(void **unused)
{
	char open_to_all[160];
	struct known_finding k = {};
	FILE *shared;
	char text[256];
	unsigned int ms;

	configure(ALWAYS);
	start();
	await("lockvane: armed", 1);
	trigger(1);
	ms = await("finding ", 1);
	print_message("told after %u ms\n", ms);
	assert_true(ms <= 1000);
	assert_int_equal(lines("irq-inversion, confirmed: kioctx.ctx_lock --> userfaultfd_ctx.fd_wqh "
			       "--> userfaultfd_ctx.fault_pending_wqh"), 1);
	trigger(1000);
	usleep(300000);
	configure("bugdet = 1%");
	kill(daemon_pid, SIGHUP);
	await(":1: there is no key \"bugdet\"", 1);
	assert_int_equal(lines("stays as it was"), 1);
	configure(ALWAYS "\nsuppress = /nonexistent/file");
	kill(daemon_pid, SIGHUP);
	await("cannot read suppressions", 1);
	/* Whoever may write to that file would decide what is told. */
	snprintf(open_to_all, sizeof(open_to_all), "%.100s/open-to-all", folder);
	shared = fopen(open_to_all, "w");
	assert_non_null(shared);
	assert_int_equal(fchmod(fileno(shared), 0666), 0);
	fclose(shared);
	snprintf(text, sizeof(text), "%s\nsuppress = %s", ALWAYS, open_to_all);
	configure(text);
	kill(daemon_pid, SIGHUP);
	await("may be written by others", 1);
	unlink(open_to_all);
	configure(ALWAYS);
	kill(daemon_pid, SIGHUP);
	await("configuration read again", 1);
	assert_int_equal(ended(SIGTERM), 0);
	assert_true(recorded(&k));
	assert_int_equal(k.count, 1001);
	assert_int_equal(lines("finding "), 1);
	/* Another process: it is known, and counting goes on. */
	start();
	await("lockvane: armed", 2);
	trigger(10);
	usleep(600000);
	assert_int_equal(ended(SIGTERM), 0);
	assert_true(recorded(&k));
	assert_int_equal(k.count, 1011);
	assert_int_equal(lines("finding "), 1);
}

/* It rests while a trace is at work, and goes on after that. */
static void test_makes_room(void **unused)
{
	struct presence trace;

	configure(ALWAYS);
	start();
	await("lockvane: armed", 1);
	assert_false(presence_begin(&trace, run_folder, PRESENCE_TRACE));
	assert_true(presence_of(&trace, PRESENCE_MONITOR));
	await("rests: a trace is at work", 1);
	assert_int_equal(lines("lockvane: armed"), 1);
	sleep(4);
	assert_int_equal(lines("lockvane: armed"), 1);
	presence_end(&trace);
	await("the trace has ended", 1);
	await("lockvane: armed", 2);
	assert_int_equal(ended(SIGTERM), 0);
}

/* Others wait for locks: the window ends. It was for the hooks: it ends again, for longer. */
static void test_contention(void **unused)
{
	configure(ALWAYS);
	start();
	await("lockvane: armed", 1);
	kill(daemon_pid, SIGUSR1);
	await("the window is closed, the next opens in 10 s or later", 1);
	await("rests", 1);
	assert_int_equal(lines("lockvane: armed"), 1);
	await("lockvane: armed", 2);
	kill(daemon_pid, SIGUSR1);
	await("the window is closed, the next opens in 20 s or later", 1);
	assert_int_equal(ended(SIGTERM), 0);
}

/* A second one goes; the first does not notice. */
static void test_alone(void **unused)
{
	pid_t first;
	int pipe_of_first;

	configure(ALWAYS);
	start();
	await("lockvane: armed", 1);
	first = daemon_pid;
	pipe_of_first = commands[1];
	start();
	await("another lockvane monitor is at work", 1);
	assert_int_equal(ended(0), 1);
	daemon_pid = first;
	commands[1] = pipe_of_first;
	assert_int_equal(ended(SIGINT), 0);
}

/* Whenever it is killed: what was recorded is there, and it begins again. */
static void test_kills(void **unused)
{
	struct known_finding k = {};
	uint32_t seed = 3, kept = 0;
	uint64_t count = 0;

	configure(ALWAYS);
	for (int i = 0; i < 100; i++) {
		bool was;

		start();
		seed = seed * 1664525 + 1013904223;
		for (uint32_t us = (seed >> 8) % 900000; us > 5000; us -= 5000) {
			trigger(2); /* of no effect until it is armed */
			usleep(5000);
		}
		was = recorded(&k);
		assert_int_equal(ended(SIGKILL), -SIGKILL);
		assert_int_equal(lines("damaged"), 0);
		if (!was)
			continue;
		kept++;
		assert_true(recorded(&k));
		assert_true(k.count >= count);
		count = k.count;
	}
	print_message("recorded at %u of 100 kills\n", kept);
	assert_true(kept > 20);
	/* And counting goes on from there. */
	start();
	usleep(1500000);
	trigger(100);
	usleep(500000);
	assert_int_equal(ended(SIGTERM), 0);
	assert_true(recorded(&k));
	assert_int_equal(k.count, count + 100);
}

/* The folder cannot be, and the port is taken: it watches all the same. */
static void test_without(void **unused)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct known_finding k = {};
	char text[256];
	FILE *in_the_way;

	assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	in_the_way = fopen(state, "w");
	fclose(in_the_way);
	snprintf(text, sizeof(text), "%s\nmetrics = 127.0.0.1:%u", ALWAYS,
		 ntohs(address.sin_port));
	configure(text);
	start();
	await("no metrics: ", 1);
	await("kept in memory", 1);
	await("lockvane: armed", 1);
	trigger(1);
	await("finding ", 1);
	assert_false(recorded(&k));
	/* At the end it is tried once more. */
	unlink(state);
	assert_int_equal(ended(SIGTERM), 0);
	assert_true(recorded(&k));
	assert_int_equal(lines("saved again"), 1);
	close(fd);
}

/* Damaged between two lives. */
static void test_damaged(void **unused)
{
	struct known_finding k = {};
	char db[PATH_MAX + 16];

	configure(ALWAYS);
	start();
	await("lockvane: armed", 1);
	trigger(1);
	await("finding ", 1);
	assert_int_equal(ended(SIGTERM), 0);
	snprintf(db, sizeof(db), "%s/" STATE_FILE, state);
	assert_int_equal(truncate(db, 5000), 0);
	start();
	await("the database was damaged", 1);
	assert_int_equal(lines(".corrupt-"), 1);
	await("lockvane: armed", 2);
	trigger(1);
	await("finding ", 2); /* nobody knows any more that it was told */
	assert_int_equal(ended(SIGTERM), 0);
	assert_true(recorded(&k));
}

/* A smaller budget comes by SIGHUP: much happens, it rests; a larger one, and it watches again. */
static void test_rests(void **unused)
{
	configure(ALWAYS "\nwindow = 100ms");
	start();
	await("lockvane: armed", 1);
	configure("budget = 0.01%\nlog-level = debug\nwindow = 100ms");
	kill(daemon_pid, SIGHUP);
	await("configuration read again", 1);
	/* As much as it takes: how fast the machine is, simulated and real, is not ours to say. */
	for (int i = 0; i < 6000 && !lines("rests, "); i++) {
		trigger(200);
		usleep(10000);
	}
	await("rests, ", 1);
	assert_int_equal(lines("finding "), 1);
	configure(ALWAYS);
	kill(daemon_pid, SIGHUP);
	await("lockvane: armed", 2);
	assert_int_equal(ended(SIGTERM), 0);
}

/* Classes of the graph in a file of the state's folder. */
static size_t graph_classes(const char *name, const char *its_build)
{
	struct capture *c;
	struct error err = {};
	char path[PATH_MAX + 16];
	size_t nr;

	snprintf(path, sizeof(path), "%s/%s", state, name);
	if (capture_db_load(path, &c, &err))
		return 0;
	assert_string_equal(c->build, its_build);
	nr = c->nr_classes;
	capture_free(c);
	return nr;
}

/* Its graph is kept aside and a new one begins; what is found there is news. */
static void test_new_build(void **unused)
{
	struct state_content there;
	struct error err = {};

	configure(ALWAYS);
	start();
	await("lockvane: armed", 1);
	trigger(1);
	await("finding ", 1);
	assert_int_equal(ended(SIGTERM), 0);
	assert_true(graph_classes(STATE_FILE, "#1") >= 3);
	build = "#2";
	start();
	await("a new graph begins", 1);
	await("lockvane: armed", 2);
	usleep(600000);
	assert_int_equal(lines("finding "), 1);
	assert_int_equal(ended(SIGTERM), 0);
	assert_int_equal(graph_classes(STATE_FILE, "#2"), 0);
	assert_true(graph_classes(STATE_PREVIOUS, "#1") >= 3);
	start();
	await("lockvane: armed", 3);
	trigger(1);
	usleep(600000);
	assert_int_equal(ended(SIGTERM), 0);
	build = "#1";
	assert_true(graph_classes(STATE_FILE, "#2") >= 3);
	assert_int_equal(lines("a new graph begins"), 1);
	assert_int_equal(state_read(state, &there, &err), 0);
	print_message("%zu findings, told %u times\n", (size_t)there.known.nr, lines("finding "));
	state_content_done(&there);
}

/* Only we see these mounts, and they go with us. */
static bool private_mounts(void)
{
	static bool done;

	done = done || (!unshare(CLONE_NEWNS) &&
			!mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	return done;
}

static void remount(unsigned long flags)
{
	assert_int_equal(mount("none", state, NULL, MS_REMOUNT | flags, "mode=700"), 0);
}

/* Begins where nothing can be written, and ends where it can be again. */
static void live_readonly(unsigned int life, int rounds)
{
	remount(MS_RDONLY);
	start();
	await("Read-only file system: what is found is kept in memory", life);
	await("lockvane: armed", life + 1);
	trigger(rounds);
	usleep(600000);
	remount(0);
	assert_int_equal(ended(SIGTERM), 0);
	assert_int_equal(lines("saved again"), life);
	assert_int_equal(lines("finding "), 1); /* it is known */
}

/* A file system that really is read-only: it is read, watching goes on, and nothing is lost. */
static void test_readonly(void **unused)
{
	struct known_finding k = {};
	size_t classes;

	if (!private_mounts())
		skip();
	assert_int_equal(mkdir(state, 0700), 0);
	assert_int_equal(mount("none", state, "tmpfs", 0, "mode=700"), 0);
	configure(ALWAYS);
	start();
	await("lockvane: armed", 1);
	trigger(1);
	await("finding ", 1);
	assert_int_equal(ended(SIGTERM), 0);
	classes = graph_classes(STATE_FILE, "#1");
	live_readonly(1, 10);
	assert_true(recorded(&k));
	assert_int_equal(k.count, 11);
	/* Nothing happens: the graph that is saved is that of before. */
	live_readonly(2, 0);
	assert_true(recorded(&k));
	assert_int_equal(k.count, 11);
	assert_int_equal(graph_classes(STATE_FILE, "#1"), classes);
	assert_int_equal(umount(state), 0);
}

/* What a test that failed has left running. */
static int teardown(void **unused)
{
	if (daemon_pid > 0 && !kill(daemon_pid, SIGKILL))
		waitpid(daemon_pid, NULL, 0);
	daemon_pid = 0;
	return 0;
}

static int group_setup(void **unused)
{
	return mkdtemp(folder) ? 0 : -1;
}

static int group_teardown(void **unused)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_makes_room), T(test_contention), T(test_life),  T(test_alone),	T(test_kills),
		T(test_without), T(test_damaged), T(test_rests),
		T(test_new_build), T(test_readonly),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
