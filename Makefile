# SPDX-License-Identifier: GPL-2.0-only
# Everything that is built lands in build/. V=1 shows the commands.
#
#   make demo         the founding bug, found on a stock kernel in a virtual machine
#   make check        all tests
#   make              build/lockvane, its manual pages, two sample captures
#   make ARCH=arm64   the same, cross-built in build/arm64 (tools/setup arm64 gets the compiler)
#   make install      PREFIX (/usr/local), SYSCONFDIR (/etc), UNITDIR and DESTDIR; make uninstall
#   make deb          a Debian package in build/deb (DEB_VERSION, DEB_MAINTAINER, DEB_ARCH)
#   make rpm          RPM packages in build/rpm (DEB_VERSION)
#   make check-matrix every kernel of docs/kernels.md: what must be found, and what must not
#   make check-load   ten minutes of stress, files, networks and more on four of them, against lockdep
#   make trials       public bugs of stock kernels that must be reported, and innocents
#   make hunt         bugs of docs/found.md, each traced while its recipe runs on a stock kernel
#   make annotations-check  whether what lockdep is told was read from the newest kernel sources
#   make check-package the package installed, started, upgraded, purged on a Debian (five minutes)
#   make demo-2019    the real bug beside lockdep's own report (builds two kernels at first)
#   make conformance  every case of the kernel's locking selftest that applies
#   make explore      random programs: real deadlocks searched for, against the rules
#   make truth        classes, held locks, edges and usage against lockdep's own, on one boot,
#                     and under a wide load on another
#   make truth-stock  how many classes have a full name on three stock kernels, and how sure it is
#   make sites        how many call sites of lock functions are typed, and how many of these wrong
#   make bench        what lockvane costs in the kernel, in instructions (a quarter of an hour)
#   make moves        how long hooks take to come and to go, on three kernels (MOVES_ARGS)
#   make budget       whether the monitor keeps its budget, counted likewise (BUDGET_ARGS)
#   make bench-graph  how fast the graph and the native recorder are
#   make torture      killed, detached, out of memory, again and again (TORTURE_ROUNDS, ..._SEED)
#   make soak         the monitor under load for an hour (SOAK_SECONDS)
#   make fuzz         long fuzz runs (FUZZ_SECONDS each)
#   make format       clang-format

# The architecture that is built for: this machine's, or another's that is cross-built in a folder of its own with
# libraries that are unpacked and not installed.
arch_of = $(patsubst amd64,x86,$(patsubst x86_64,x86,$(patsubst aarch64,arm64,$(1))))
HOST_ARCH := $(call arch_of,$(shell uname -m))
ARCH ?= $(or $(DEB_ARCH),$(HOST_ARCH))
override ARCH := $(call arch_of,$(ARCH))
ARCHES := x86 arm64
ifeq ($(filter $(ARCH),$(ARCHES)),)
$(error ARCH=$(ARCH): there are $(ARCHES))
endif
ifeq ($(ARCH),$(HOST_ARCH))
B := build
REPLAYER := $(B)/lockvane
else
B := build/$(ARCH)
TRIPLET := $(if $(filter arm64,$(ARCH)),aarch64,x86_64)-linux-gnu
SYSROOT := $(shell tools/kernels sysroot $(ARCH))
ifeq ($(SYSROOT),)
$(error no libraries of $(ARCH) to build with)
endif
CC := $(TRIPLET)-gcc --sysroot=$(SYSROOT)
AR := $(TRIPLET)-ar
PG_INCLUDE := $(SYSROOT)/usr/include/postgresql
# It runs here.
REPLAYER := build/lockvane
$(REPLAYER):
	@$(MAKE) --no-print-directory ARCH=$(HOST_ARCH) $@
# Libraries of libraries
LDFLAGS += -Wl,-rpath-link,$(SYSROOT)/lib/$(TRIPLET):$(SYSROOT)/usr/lib/$(TRIPLET)
endif
VERSION := 0.1
PREFIX ?= /usr/local
SYSCONFDIR ?= /etc
UNITDIR ?= $(PREFIX)/lib/systemd/system
DEB_VERSION ?= $(VERSION)
CLANG ?= clang
BPFTOOL ?= $(or $(shell command -v bpftool),/usr/sbin/bpftool)
PG_INCLUDE ?= $(or $(shell pkg-config --variable=includedir libpq 2>/dev/null),/usr/include/postgresql)
JOBS ?= $(shell nproc)
FUZZ_SECONDS ?= 600

CFLAGS ?= -O2 -g -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fstack-clash-protection $(CFLAGS_$(ARCH))
CFLAGS_x86 := -fcf-protection
CFLAGS_arm64 := -mbranch-protection=standard
SANITIZE := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
TSAN := -O1 -g -fsanitize=thread -fno-omit-frame-pointer
WARN := -Wall -Wextra -Werror -Wno-unused-parameter
CPPFLAGS += -D_GNU_SOURCE -DLOCKVANE_VERSION='"$(VERSION)"' -Ibpf -Iuser -I$(B)
LDLIBS := -lZydis -lbpf -ldw -lelf -lz -lsqlite3 -ljansson -lsystemd
BPFFLAGS := -g -O2 -target bpf -mcpu=v3 -D__TARGET_ARCH_$(ARCH) -Wall -Werror -Ibpf -Ibpf/$(ARCH) -Ivmlinux

ifneq ($(V),1)
Q := @
say = @printf '  %-7s %s\n' $(1) $(2)
endif

SRCS := $(wildcard user/*/*.c)
# The metrics listener, and its thread.
LDLIBS += -lmicrohttpd -lm -pthread
# A program of its own: what traces as root has no libpq in it.
FLEET := $(wildcard user/fleet/*.c)
FLEET_LIBS = $(LDLIBS) -lpq -lnettle
OBJS := $(patsubst %.c,$(B)/%.o,$(filter-out $(FLEET),$(SRCS)))
LIB := $(filter-out user/cli/main.c $(FLEET),$(SRCS))
EXPLORE := $(wildcard tests/explore/*.c)
BENCH := $(patsubst tests/%.c,$(B)/tests/%,$(wildcard tests/bench/*.c))
TORTURE := $(patsubst %,$(B)/tests/torture/%,kills cycles loads tracer)
FUZZ := $(patsubst tests/%.c,$(B)/tests/%,$(wildcard tests/fuzz/*.c))
# Run under ThreadSanitizer too; they need the recorder and its native world only.
TSAN_UNIT := $(B)/tests/tsan/test_record_threads
UNIT := $(patsubst %.c,$(B)/%,$(wildcard tests/unit/test_*.c))
SERVE := $(B)/tests/metrics/serve
CLI_STATE := $(B)/tests/cli/state
FLEET_SIMULATE := $(B)/tests/fleet/simulate
SITES := $(B)/tests/sites/list $(B)/tests/sites/judge
WORKLOADS := $(patsubst tests/%.c,$(B)/%,$(wildcard tests/workloads/*.c))
EXAMPLES := $(B)/examples/founding.lv $(B)/examples/founding-fixed.lv
MAN := $(patsubst docs/%.rst,$(B)/%,$(wildcard docs/*.[58].rst))

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:
.PHONY: all setup demo demo-2019 check check-matrix check-load check-package trials hunt unit workloads natives \
	annotations-check conformance explore bench moves budget bench-graph truth truth-stock sites torture torture-programs soak fuzz install uninstall deb rpm clean format
all: $(B)/lockvane $(B)/lockvane-fleet $(MAN) $(EXAMPLES)
unit: $(UNIT)
workloads: $(WORKLOADS)
torture-programs: $(TORTURE)
natives: $(B)/tests/explore/explore $(BENCH) $(FUZZ) $(TSAN_UNIT) $(SERVE) $(CLI_STATE) $(FLEET_SIMULATE) $(B)/asan/lockvane-fleet

$(B)/lockvane: $(OBJS)
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) -Wl,-z,relro,-z,now $(LDFLAGS) -o $@ $^ $(LDLIBS)

# The program links only the objects of the library that it uses.
$(B)/lockvane-fleet: $(FLEET:%.c=$(B)/%.o) $(B)/liblockvane.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) -Wl,-z,relro,-z,now -Wl,--as-needed $(LDFLAGS) -o $@ $^ $(FLEET_LIBS)

$(FLEET:%.c=$(B)/%.o) $(FLEET:%.c=$(B)/asan/%.o): CPPFLAGS += -I$(PG_INCLUDE)
$(B)/user/fleet/schema.o $(B)/asan/user/fleet/schema.o: $(wildcard user/fleet/*.sql)

$(B)/user/%.o: user/%.c
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 $(CFLAGS) $(WARN) $(CPPFLAGS) -MMD -MP -c -o $@ $<

$(B)/bpf/%.bpf.o: bpf/%.bpf.c
	$(call say,BPF,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(BPFFLAGS) -MMD -MP -c -o $@ $<

$(B)/%.skel.h: $(B)/bpf/%.bpf.o
	$(call say,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name $(notdir $*) > $@
.SECONDARY: $(B)/bpf/lockvane.bpf.o

# The one file that includes the skeleton.
$(B)/user/trace/programs.o $(B)/asan/user/trace/programs.o: $(B)/lockvane.skel.h

# The page's style, and the hash by which its policy allows that one and no other.
$(B)/html_style.h: user/report/html.css
	$(call say,STYLE,$@)
	$(Q)mkdir -p $(@D)
	$(Q){ printf '#define HTML_STYLE_HASH "%s"\n#define HTML_STYLE \\\n' \
		"$$(sha256sum $< | cut -c1-64 | tr a-f A-F | basenc --base16 -d | base64)"; \
		sed 's/[\\"]/\\&/g;s/.*/	"&\\n" \\/' $<; echo; } > $@
$(B)/user/report/html.o $(B)/asan/user/report/html.o $(B)/fuzz/user/report/html.o: $(B)/html_style.h

# It stands in an object as it is.
$(B)/user/finding/annotations_data.o $(B)/asan/user/finding/annotations_data.o \
	$(B)/fuzz/user/finding/annotations_data.o: user/finding/annotations.tsv

# The native tests run the same sources under the sanitizers.
$(B)/asan/%.o: %.c
	$(call say,CC-SAN,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 $(SANITIZE) $(WARN) $(CPPFLAGS) -MMD -MP -c -o $@ $<

$(B)/asan/liblockvane.a: $(LIB:%.c=$(B)/asan/%.o)
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(B)/tests/unit/%: $(B)/asan/tests/unit/%.o $(B)/asan/liblockvane.a
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(SANITIZE) -o $@ $^ $(LDLIBS) -lcmocka -lm -pthread
.SECONDARY: $(UNIT:$(B)/%=$(B)/asan/%.o)

$(B)/tsan/%.o: %.c
	$(call say,CC-TSAN,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 $(TSAN) $(WARN) $(CPPFLAGS) -MMD -MP -c -o $@ $<

$(B)/tests/tsan/%: $(B)/tsan/tests/unit/%.o $(B)/tsan/user/replay/hooked.o $(B)/tsan/user/replay/seat.o
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(TSAN) -o $@ $^ -lcmocka -pthread
.SECONDARY: $(TSAN_UNIT:$(B)/tests/tsan/%=$(B)/tsan/tests/unit/%.o) \
	$(B)/tsan/user/replay/hooked.o $(B)/tsan/user/replay/seat.o

# Programs that are timed, or search long, run as they are shipped.
$(B)/liblockvane.a: $(LIB:%.c=$(B)/%.o)
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(B)/tests/%.o: tests/%.c
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 $(CFLAGS) $(WARN) $(CPPFLAGS) -MMD -MP -c -o $@ $<

$(B)/tests/explore/explore: $(EXPLORE:%.c=$(B)/%.o) $(B)/liblockvane.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) -o $@ $^ $(LDLIBS)

$(B)/tests/bench/%: $(B)/tests/bench/%.o $(B)/liblockvane.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) -o $@ $^ $(LDLIBS) -pthread

$(TORTURE): %: %.o $(B)/tests/torture/left.o $(B)/liblockvane.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) -o $@ $^ $(LDLIBS)

# A listener with sample numbers, under the sanitizers as it is asked by anybody.
$(SERVE): $(B)/asan/tests/metrics/serve.o $(B)/asan/liblockvane.a
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(SANITIZE) -o $@ $^ $(LDLIBS)
# A monitor's folder for the commands that read one.
$(CLI_STATE): $(B)/asan/tests/cli/state.o $(B)/asan/liblockvane.a
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(SANITIZE) -o $@ $^ $(LDLIBS)

# The fleet's program under the sanitizers, as it reads untrusted input.
$(B)/asan/lockvane-fleet: $(FLEET:%.c=$(B)/asan/%.o) $(B)/asan/liblockvane.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(SANITIZE) -o $@ $^ $(FLEET_LIBS)

$(FLEET_SIMULATE).o: CPPFLAGS += -I$(PG_INCLUDE)
$(FLEET_SIMULATE): $(FLEET_SIMULATE).o $(patsubst %.c,$(B)/%.o,$(filter-out user/fleet/main.c,$(FLEET))) $(B)/liblockvane.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) -Wl,--as-needed -o $@ $^ $(FLEET_LIBS)

# The judge: the same programs with an observer behind each, under the same skeleton's name.
$(B)/tests/truth/truth.bpf.o: tests/truth/truth.bpf.c
	$(call say,BPF,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(BPFFLAGS) -Itests/truth -MMD -MP -c -o $@ $<

$(B)/tests/truth/lockvane.skel.h: $(B)/tests/truth/truth.bpf.o
	$(call say,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name lockvane > $@

$(B)/tests/truth/programs.o: user/trace/programs.c $(B)/tests/truth/lockvane.skel.h
	$(call say,CC,$<)
	$(Q)$(CC) -std=gnu11 $(CFLAGS) $(WARN) -I$(B)/tests/truth $(CPPFLAGS) -MMD -MP -c -o $@ $<

$(B)/tests/truth/truth: $(B)/tests/truth/truth.o $(B)/tests/truth/programs.o \
		$(filter-out $(B)/user/cli/main.o $(B)/user/trace/programs.o,$(OBJS))
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) -o $@ $^ $(LDLIBS)

$(B)/tests/sites/list: $(B)/tests/sites/list.o $(B)/tests/sites/module.o $(B)/liblockvane.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) -o $@ $^ $(LDLIBS)

$(B)/tests/sites/judge: $(B)/tests/sites/judge.o $(B)/tests/sites/expr.o
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) -o $@ $^ -ldw -lelf

# The fuzzers see the coverage of all our sources, so those are built once more.
$(B)/fuzz/%.o: %.c
	$(call say,CC-FUZZ,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) -std=gnu11 $(SANITIZE) -fsanitize=fuzzer-no-link $(WARN) $(CPPFLAGS) -MMD -MP \
		-c -o $@ $<

$(B)/fuzz/liblockvane.a: $(filter-out $(B)/fuzz/user/trace/% $(B)/fuzz/user/cli/%,$(LIB:%.c=$(B)/fuzz/%.o))
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(B)/tests/fuzz/%: $(B)/fuzz/tests/fuzz/%.o $(B)/fuzz/liblockvane.a
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(SANITIZE) -fsanitize=fuzzer -o $@ $^ $(LDLIBS)
.SECONDARY: $(FLEET_SIMULATE).o $(SERVE:$(B)/%=$(B)/asan/%.o) $(CLI_STATE:$(B)/%=$(B)/asan/%.o) $(TORTURE:%=%.o) $(BENCH:%=%.o) $(SITES:%=%.o) $(FUZZ:$(B)/%=$(B)/fuzz/%.o)

$(B)/workloads/%: tests/workloads/%.c
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 -O2 $(WARN) -Ibpf -MMD -MP -o $@ $<

$(MAN): $(B)/%: docs/%.rst
	$(call say,MAN,$@)
	$(Q)rst2man $< > $@

# Captures to try report, show, diff and the others with, without root and kernel.
$(EXAMPLES): $(B)/examples/%.lv: tests/scenarios/%.lv $(REPLAYER)
	$(call say,REPLAY,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(REPLAYER) replay -q --production -o $@ $< 2>/dev/null
	$(Q)chmod 644 $@

# Rules that need packages install them first, then ask make again for the rest.
setup:
	$(Q)tools/setup

demo: setup
	$(Q)$(MAKE) --no-print-directory -j$(JOBS) all workloads
	$(Q)tools/demo founding

demo-2019: setup
	$(Q)$(MAKE) --no-print-directory -j$(JOBS) all workloads
	$(Q)tools/demo 2019

check: setup
	$(Q)$(MAKE) --no-print-directory -j$(JOBS) all workloads unit natives torture-programs
	$(Q)tests/run

# Some of its kernels are arm64's.
check-matrix: matrix-arm64
.PHONY: matrix-arm64
matrix-arm64:
	$(Q)tools/setup arm64
	$(Q)$(MAKE) --no-print-directory -j$(JOBS) ARCH=arm64 all workloads

# WRITE=1 puts the table into docs/kernels.md.
check-matrix check-load check-package: setup
	$(Q)$(MAKE) --no-print-directory -j$(JOBS) all workloads
	$(Q)tests/vm/run --group $(@:check-%=%) $(if $(WRITE),--write)

trials: setup
	$(Q)$(MAKE) --no-print-directory -j$(JOBS) all workloads
	$(Q)tests/vm/run --group trials

hunt: setup
	$(Q)$(MAKE) --no-print-directory -j$(JOBS) all workloads
	$(Q)tests/hunt/run $(HUNT)

annotations-check: setup
	$(Q)tools/annotations check

conformance: setup
	$(Q)$(MAKE) --no-print-directory -j$(JOBS) all
	$(Q)tests/conformance/run

explore: setup
	$(Q)$(MAKE) --no-print-directory -j$(JOBS) $(B)/tests/explore/explore
	$(Q)$(B)/tests/explore/explore $(EXPLORE_ARGS)

truth: setup
	$(Q)$(MAKE) --no-print-directory -j$(JOBS) workloads $(B)/tests/truth/truth $(B)/tests/bench/ops
	$(Q)tests/truth/run; narrow=$$?; tests/truth/run --wide && exit $$narrow

truth-stock: setup
	$(Q)$(MAKE) --no-print-directory -j$(JOBS) all workloads
	$(Q)tests/truth/stock

sites: setup
	$(Q)$(MAKE) --no-print-directory -j$(JOBS) $(SITES)
	$(Q)tests/sites/run $(SITES_ARGS)

bench: setup
	$(Q)$(MAKE) --no-print-directory -j$(JOBS) $(BENCH)
	$(Q)tools/bench --pseudo $(BENCH_ARGS)

moves: setup
	$(Q)$(MAKE) --no-print-directory -j$(JOBS) $(BENCH) workloads
	$(Q)tools/moves $(MOVES_ARGS)

budget: setup
	$(Q)$(MAKE) --no-print-directory -j$(JOBS) all $(BENCH)
	$(Q)tools/budget $(BUDGET_ARGS)

bench-graph: setup
	$(Q)$(MAKE) --no-print-directory -j$(JOBS) $(BENCH)
	$(Q)$(B)/tests/bench/bench_graph
	$(Q)$(B)/tests/bench/bench_record

torture: setup
	$(Q)$(MAKE) --no-print-directory -j$(JOBS) all workloads torture-programs
	$(Q)tests/vm/run --group torture

soak: setup
	$(Q)$(MAKE) --no-print-directory -j$(JOBS) all workloads
	$(Q)tests/vm/run --group soak

fuzz: setup
	$(Q)$(MAKE) --no-print-directory -j$(JOBS) $(FUZZ)
	$(Q)tests/fuzz/run $(FUZZ_SECONDS)

install: all
install uninstall:
	$(Q)B=$(B) DESTDIR='$(DESTDIR)' PREFIX='$(PREFIX)' SYSCONFDIR='$(SYSCONFDIR)' \
		UNITDIR='$(UNITDIR)' tools/install/install $(if $(filter install,$@),put,remove)

deb: all
	$(Q)tools/deb/build $(DEB_VERSION) $(B)/deb $(DEB_ARCH)

rpm: all
	$(Q)tools/rpm/build $(DEB_VERSION) $(B)/rpm

format:
	$(Q)clang-format -i bpf/*.c bpf/*.h bpf/*/*.h user/*/*.[ch] tests/*/*.[ch]

clean:
	$(call say,CLEAN,$(B))
	$(Q)rm -rf $(B)

-include $(shell find $(B) -name '*.d' 2>/dev/null)
