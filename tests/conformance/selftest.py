# SPDX-License-Identifier: GPL-2.0-only
"""The cases of the kernel's lib/locking-selftest.c (6.12), as scenarios.

Each case bears the name of the function there, and the verdict of the table
there: REPORT or SILENT. `rule` is what lockvane is to call it. Where a
production kernel's verdict differs, `production` says so and why; a case that
cannot apply has no scenario but a reason.
"""

from dataclasses import dataclass
from itertools import permutations

REPORT, SILENT = "report", "silent"

# How each kind of lock is declared, taken, and given back there.
KINDS = {
    "spin": ("spin", "lock {}", "spin"),
    "wlock": ("rwlock", "lock {}", "rw"),
    "rlock": ("rwlock", "read {} recursive", "rw"),
    "mutex": ("mutex", "lock {}", "mutex"),
    "wsem": ("rwsem", "lock {}", "rwsem"),
    "rsem": ("rwsem", "read {}", "rwsem"),
}

STATIC = "X1 and X2 are two static locks: that they share a class, only their annotation says"
QUEUED = "the selftest makes all readers recursive; a kernel's readers queue behind a writer"
GHOST = "a rwsem read twice looks like one whose release was lost: not told, rather than wrong"
STORE = "a lock's initialisation is a store: no function to hook"
UNTOLD = "that irqs were switched on under the lock, nothing but lockdep's own hook tells"


@dataclass
class Case:
    family: str
    name: str
    verdict: str
    rule: str = ""
    text: str = ""
    production: tuple = ()  # (verdict, rule, reason) where it differs
    not_applicable: str = ""

    def scenario(self):
        def expected(verdict, rule):
            return "nothing" if verdict == SILENT else rule or "something"

        lines = [f"title {self.family}: {self.name}", self.text.strip(),
                 f"expect {expected(self.verdict, self.rule)}"]
        if self.production:
            verdict, rule, reason = self.production
            lines.append(f"production {expected(verdict, rule)} ; {reason}")
        return "\n".join(lines) + "\n"


class Locks:
    """Writes steps; remembers which locks to declare."""

    def __init__(self):
        self.declared = {}

    def name(self, kind, x):
        word, _, prefix = KINDS[kind]
        name = f"{prefix}_{x}"
        self.declared[name] = (word, f"{prefix}_{x[0]}" if len(x) > 1 else None)
        return name

    def lock(self, kind, x):
        return [KINDS[kind][1].format(self.name(kind, x))]

    def unlock(self, kind, x):
        return ["unlock " + self.name(kind, x)]

    def both(self, kind, x):
        return self.lock(kind, x) + self.unlock(kind, x)

    def nest(self, kind, x, y):
        return self.lock(kind, x) + self.both(kind, y) + self.unlock(kind, x)

    def text(self, steps):
        head = [f"{word} {name}" + (f" : {cls} at static" if cls else "")
                for name, (word, cls) in sorted(self.declared.items())]
        return "\n".join(head + steps)


def irq_off(irq, steps):
    word = {"hard": "irq", "soft": "bh"}[irq]
    return [word + " off"] + steps + [word + " on"]


def in_irq(irq, steps):
    if irq == "hard":
        return ["hardirq"] + steps + ["end"]
    # Softirqs are simulated there with irqs off.
    return ["softirq", "irq off"] + steps + ["irq on", "end"]


def orders(nr):
    for order in permutations(range(nr)):
        yield "".join(str(i + 1) for i in order), order


def in_order(events, order):
    return [step for i in order for step in events[i]]


def deadlocks():
    """A-A, A-B-B-A and so on: six kinds each, of which recursive readers are silent."""
    chains = [("A-A deadlock", "AA", None)]
    for title, name, pairs in (
            ("A-B-B-A deadlock", "ABBA", "AB BA"),
            ("A-B-B-C-C-A deadlock", "ABBCCA", "AB BC CA"),
            ("A-B-C-A-B-C deadlock", "ABCABC", "AB CA BC"),
            ("A-B-B-C-C-D-D-A deadlock", "ABBCCDDA", "AB BC CD DA"),
            ("A-B-C-D-B-D-D-A deadlock", "ABCDBDDA", "AB CD BD DA"),
            ("A-B-C-D-B-C-D-A deadlock", "ABCDBCDA", "AB CD BC DA")):
        chains.append((title, name, pairs.split()))
    for title, name, pairs in chains:
        for kind in KINDS:
            locks = Locks()
            silent = kind == "rlock"
            rule = "circular" if pairs else "recursive"
            if pairs:
                steps = [s for x, y in pairs for s in locks.nest(kind, x, y)]
                production = (REPORT, rule, QUEUED) if silent else ()
            else:
                steps = locks.lock(kind, "X1") + locks.lock(kind, "X2")
                production = () if silent else (SILENT, "", STATIC)
            yield Case(title, f"{name}_{kind}", SILENT if silent else REPORT, rule,
                       locks.text(steps), production)


def misuses():
    for kind in KINDS:
        locks = Locks()
        steps = locks.both(kind, "A") + locks.unlock(kind, "A")
        yield Case("double unlock", f"double_unlock_{kind}", REPORT, "bad-unlock",
                   locks.text(steps))
    for kind in KINDS:
        locks = Locks()
        steps = locks.lock(kind, "A") + ["init " + locks.name(kind, "A")] + locks.unlock(kind, "A")
        yield Case("initialize held", f"init_held_{kind}", REPORT, "held-freed", locks.text(steps), (SILENT, "", STORE))


def readers():
    """One class or two, read and written."""
    def same(family, suffix, first, second, verdict, x="X2"):
        for name, kinds in (("rlock", first), ("rsem", second)):
            locks = Locks()
            steps = locks.lock(kinds[0], "X1") + locks.lock(kinds[1], x)
            expected = verdict[name]
            production = ()
            if x == "X1" and name == "rsem":
                production = (SILENT, "", GHOST)
            elif x == "X1" and expected == SILENT:
                production = (REPORT, "recursive", QUEUED)
            elif x == "X2" and expected == REPORT:
                production = (SILENT, "", STATIC)
            yield Case(family, f"{name}_{suffix}", expected, "recursive", locks.text(steps),
                       production)

    mixed = {"rlock": SILENT, "rsem": REPORT}
    always = {"rlock": REPORT, "rsem": REPORT}
    rr = ("rlock", "rlock"), ("rsem", "rsem")
    yield from same("recursive read-lock", "AA1", *rr, mixed, x="X1")
    yield from same("recursive read-lock #2", "AA1B", *rr, mixed)
    yield from same("mixed read-write-lock", "AA2", ("rlock", "wlock"), ("rsem", "wsem"), always)
    yield from same("mixed write-read-lock", "AA3", ("wlock", "rlock"), ("wsem", "rsem"), always)

    for family, suffix, first, last in (
            ("mixed read-lock/lock-write ABBA", "ABBA1", "r", "w"),
            ("mixed read-lock/lock-read ABBA", "ABBA2", "r", "r"),
            ("mixed write-lock/lock-write ABBA", "ABBA3", "w", "w")):
        for name, kinds, other in (("rlock", {"r": "rlock", "w": "wlock"}, "spin"),
                                   ("rwsem", {"r": "rsem", "w": "wsem"}, "mutex")):
            locks = Locks()
            steps = (locks.lock(kinds[first], "X1") + locks.both(other, "Y1") +
                     locks.unlock(kinds[first], "X1") + locks.lock(other, "Y1") +
                     locks.both(kinds[last], "X1") + locks.unlock(other, "Y1"))
            silent = name == "rlock" and suffix == "ABBA2"
            yield Case(family, f"{name}_{suffix}", SILENT if silent else REPORT, "circular",
                       locks.text(steps), (REPORT, "circular", QUEUED) if silent else ())
    locks = Locks()
    steps = (locks.lock("rlock", "X1") + locks.both("spin", "Y1") + locks.unlock("rlock", "X1") +
             locks.lock("spin", "Y1") + locks.both("rlock", "X1") + locks.unlock("spin", "Y1") +
             locks.lock("spin", "Y1") + locks.both("wlock", "X1") + locks.unlock("spin", "Y1"))
    yield Case("chain cached mixed R-L/L-W ABBA", "rlock_chaincache_ABBA1", REPORT, "circular",
               locks.text(steps))


def reader_circles():
    """Three locks in a circle, read or written: is the circle a strong path?"""
    for name, pairs, verdict in (
            ("W1R2_W2R3_W3R1", "wr wr wr", REPORT),
            ("W1W2_R2R3_W3R1", "ww rr wr", REPORT),
            ("W1W2_R2R3_R3W1", "wr rr ww", SILENT),   # the names there are exchanged
            ("W1R2_R2R3_W3W1", "ww rr rw", SILENT)):
        family = "rlock " + name.replace("_", "/")
        circle = ("X1", "Y1"), ("Y1", "Z1"), ("Z1", "X1")
        for suffix, order in orders(3):
            locks = Locks()
            events = []
            for (x, y), (hold, take) in zip(circle, pairs.split()):
                events.append(locks.lock(hold + "lock", x) + locks.both(take + "lock", y) +
                              locks.unlock(hold + "lock", x))
            yield Case(family, f"{name}_{suffix}", verdict, "circular",
                       locks.text(in_order(events, order)),
                       (REPORT, "circular", QUEUED) if verdict == SILENT else ())


def irq_cases(family, name, irqs, kinds, events, rule, production=None):
    """events(locks, irq, kind) gives the list that is permuted. Recursive readers are silent."""
    nr = len(events(Locks(), irqs[0], kinds[0]))
    for suffix, order in orders(nr):
        for irq in irqs:
            for kind in kinds:
                locks = Locks()
                steps = in_order(events(locks, irq, kind), order)
                verdict = SILENT if kind == "rlock" else REPORT
                differs = production(irq, kind) if production else ()
                full = f"{name}_{irq}_{kind}" if len(irqs) > 1 else f"{name}_{kind}"
                yield Case(family, f"{full}_{suffix}", verdict, rule(irq, kind),
                           locks.text(steps), differs)


def irq_states():
    three, irqs = ("spin", "wlock", "rlock"), ("hard", "soft")

    def is_inconsistent(irq, kind):
        return "inconsistent-state"

    def untold(irq, kind):
        return () if kind == "rlock" else (SILENT, "", UNTOLD)

    yield from irq_cases(
        "irqs-on + irq-safe-A", "irqsafe1", irqs, three,
        lambda l, irq, kind: [in_irq(irq, l.both(kind, "A")), l.both(kind, "A")],
        is_inconsistent)
    yield from irq_cases(
        "sirq-safe-A => hirqs-on", "irqsafe2A", ("soft",), three,
        lambda l, irq, kind: [in_irq("soft", l.both(kind, "A")),
                              irq_off("hard", l.lock(kind, "A")) + l.unlock(kind, "A")],
        is_inconsistent, untold)
    yield from irq_cases(
        "safe-A + irqs-on", "irqsafe2B", irqs, three,
        lambda l, irq, kind: [in_irq(irq, l.both(kind, "A")),
                              irq_off(irq, l.lock(kind, "A")) + l.unlock(kind, "A")],
        is_inconsistent, untold)
    # A itself is taken with irqs on here: which rule speaks first is not the point.
    yield from irq_cases(
        "safe-A + unsafe-B #1", "irqsafe3", irqs, three,
        lambda l, irq, kind: [l.nest(kind, "A", "B"), l.both(kind, "B"),
                              in_irq(irq, l.both(kind, "A"))],
        lambda irq, kind: "something")
    yield from irq_cases(
        "safe-A + unsafe-B #2", "irqsafe4", irqs, three,
        lambda l, irq, kind: [irq_off(irq, l.nest(kind, "A", "B")), l.both(kind, "B"),
                              in_irq(irq, l.both(kind, "A"))],
        lambda irq, kind: "irq-inversion")


def queued_reader(irq, kind):
    """With softirqs off a reader jumps the queue; with irqs off it does not."""
    return (REPORT, "irq-inversion", QUEUED) if kind == "rlock" and irq == "hard" else ()


def irq_readers():
    irqs = ("hard", "soft")
    yield from irq_cases(
        "irq lock-inversion", "irq_inversion", irqs, ("spin", "wlock", "rlock"),
        lambda l, irq, kind: [irq_off(irq, l.lock("wlock", "A") + l.both(kind, "B") +
                                      l.unlock("wlock", "A")),
                              l.both(kind, "B"), in_irq(irq, l.both("rlock", "A"))],
        lambda irq, kind: "irq-inversion", queued_reader)
    yield from irq_cases(
        "irq read-recursion", "irq_read_recursion", irqs, ("wlock", "rlock"),
        lambda l, irq, kind: [irq_off(irq, l.both("wlock", "A")), l.both("rlock", "A"),
                              in_irq(irq, l.lock(kind, "A") + l.both("spin", "B") +
                                     l.unlock(kind, "A"))],
        lambda irq, kind: "inconsistent-state")
    yield from irq_cases(
        "irq read-recursion #2", "irq_read_recursion2", irqs, ("wlock", "rlock"),
        lambda l, irq, kind: [irq_off(irq, l.lock("spin", "B") + l.both(kind, "A") +
                                      l.unlock("spin", "B")),
                              l.both("rlock", "A"), in_irq(irq, l.both("spin", "B"))],
        lambda irq, kind: "irq-inversion", queued_reader)
    yield from irq_cases(
        "irq read-recursion #3", "irq_read_recursion3", irqs, ("wlock", "rlock"),
        lambda l, irq, kind: [irq_off(irq, l.lock("wlock", "B") + l.both(kind, "A") +
                                      l.unlock("wlock", "B")),
                              l.both("rlock", "A"), in_irq(irq, l.both("rlock", "B"))],
        lambda irq, kind: "irq-inversion", queued_reader)


def ww_mutexes():
    why = "wound/wait mutexes: their contexts are no locks, and lockvane has no rules for them"
    for names, verdict in ((
            "fail_acquire normal edeadlk_normal edeadlk_normal_slow context_try context_context "
            "try_try block_try spin_try", SILENT), (
            "unneeded_slow two_contexts diff_class context_done_twice context_unlock_twice "
            "context_fini_early context_lock_after_done object_unlock_twice "
            "object_lock_unbalanced object_lock_stale_context edeadlk_no_unlock "
            "edeadlk_no_unlock_slow edeadlk_acquire_more edeadlk_acquire_more_slow "
            "edeadlk_acquire_more_edeadlk edeadlk_acquire_more_edeadlk_slow "
            "edeadlk_acquire_wrong edeadlk_acquire_wrong_slow context_block try_block "
            "try_context block_block block_context spin_block spin_context", REPORT)):
        for name in names.split():
            yield Case("wound/wait", f"ww_test_{name}", verdict, not_applicable=why)
    yield Case("spinlock nest", "ww_test_spin_nest_unlocked", REPORT,
               not_applicable="that a nest_lock is not held, only its annotation can be wrong "
                              "about")
    # Y1 and Y2 nest under X1, which orders them; A may come between.
    yield Case("spinlock nest", "ww_test_spin_nest_lock", SILENT, text="""
spin spin_A
spin spin_X1
spin spin_Y1 spin_Y2 : spin_Y at static
lock spin_X1
lock spin_Y1 nest spin_X1
lock spin_A
lock spin_Y2 nest spin_X1
unlock spin_A
unlock spin_Y2
unlock spin_Y1
unlock spin_X1
""")


def queued_read_locks():
    locks = "rwlock A\nspin B\n"
    yield Case("queued read-lock", "queued_read_lock_hardirq_RE_Er", REPORT, "circular",
               locks + "hardirq\nread A\nlock B\nunlock B\nunlock A\nend\n"
               "irq off\nlock B\nread A\nunlock A\nunlock B\nirq on")
    yield Case("queued read-lock", "queued_read_lock_hardirq_ER_rE", SILENT, "",
               locks + "hardirq\nlock B\nread A\nunlock A\nunlock B\nend\n"
               "irq off\nread A\nlock B\nunlock B\nunlock A\nirq on")
    yield Case("queued read-lock", "queued_read_lock_hardirq_inversion", REPORT, "irq-inversion",
               locks + "hardirq\nlock B\nunlock B\nend\n"
               "irq off\nlock B\nread A\nunlock A\nunlock B\nirq on\nread A\nunlock A")


def pseudo_locks():
    """An allocation that may not enter a filesystem, by its flags or its task's, is no attempt."""
    for name, verdict, steps in (("correct", SILENT, []), ("wrong", REPORT, ["attempt R"]), ("protected", SILENT, [])):
        yield Case("fs_reclaim", f"fs_reclaim_{name}_nesting", verdict, "recursive",
                   "\n".join(["pseudo reclaim R", "hold R", *steps, "drop R"]))

    head = ["spin A B", "pseudo local-lock L"]
    alone, over = ["hold L", "drop L"], ["hold L", "lock B", "unlock B", "drop L"]
    safe, under = in_irq("hard", ["lock A", "unlock A"]), irq_off("hard", ["lock A", *alone, "unlock A"])
    inversion = irq_off("hard", ["lock A", "lock B", "unlock B", "unlock A"])
    for name, verdict, steps in (("2", SILENT, alone + safe + under), ("3A", SILENT, over + safe + under),
                                 ("3B", REPORT, over + safe + under + inversion)):
        yield Case("local_lock", f"local_lock_{name}", verdict, "irq-inversion A --> B", "\n".join(head + steps))


# What is taken, held or entered in the table of wait contexts: declaration, and the steps around others.
WAITS = {
    "HARDIRQ": ("", "hardirq", "end"),
    "NOTTHREADED_HARDIRQ": ("pseudo unthreaded", "hardirq\nhold {}", "drop {}\nend"),
    "SOFTIRQ": ("", "softirq", "end"),
    "RCU": ("pseudo rcu", "hold {} recursive", "drop {}"),
    "RCU_BH": ("pseudo rcu-bh", "bh off\nhold {} recursive", "drop {}\nbh on"),
    "RCU_SCHED": ("pseudo rcu-sched", "hold {} recursive", "drop {}"),
    "raw_spinlock": ("raw", "lock {}", "unlock {}"),
    "spinlock": ("spin", "lock {}", "unlock {}"),
    "mutex": ("mutex", "lock {}", "unlock {}"),
}
RAW = "raw_spinlock_t and spinlock_t are one on a kernel without PREEMPT_RT"
RCU = "rcu_read_lock() is no lock, and often no code"


def wait_contexts():
    unthreaded = ("NOTTHREADED_HARDIRQ", "RCU_SCHED", "raw_spinlock")
    for outer in WAITS:
        for inner in ("RCU", "raw_spinlock", "spinlock", "mutex"):
            bad = (inner == "mutex" and outer != "mutex") or \
                  (inner == "spinlock" and outer in unthreaded)
            places = (WAITS[outer], "A"), (WAITS[inner], "B")
            (_, enter, leave), (_, take, give) = WAITS[outer], WAITS[inner]
            text = [f"{word} {name}" for (word, _, _), name in places if word]
            text += [enter.format("A"), take.format("B"), give.format("B"), leave.format("A")]
            unseen = bad and (inner == "spinlock" or outer.startswith("RCU"))
            yield Case("wait context", f"{inner}_in_{outer}", REPORT if bad else SILENT, "wait-context",
                       "\n".join(text), (SILENT, "", RCU if "RCU" in outer else RAW) if unseen else ())


def special():
    """A hardirq inversion by a lock that is safe in softirqs, where none is."""
    def nest(x, y):
        return irq_off("hard", [f"lock {x}", f"lock {y}", f"unlock {y}", f"unlock {x}"])

    steps = (["spin A B C D", "mutex M", "lock M"] +
             irq_off("hard", ["lock C", "unlock C"]) + ["unlock M"] +
             in_irq("hard", ["lock A", "unlock A"]) + nest("A", "B") + nest("B", "C") +
             in_irq("soft", ["lock D", "unlock D"]) +
             irq_off("soft", ["lock D", "unlock D"]) + nest("C", "D"))
    yield Case("hardirq_unsafe_softirq_safe", "hardirq_deadlock_softirq_not_deadlock", REPORT,
               "irq-inversion A --> B --> C --> D", "\n".join(steps))


def cases():
    for family in (deadlocks, misuses, readers, reader_circles, irq_states, irq_readers,
                   ww_mutexes, queued_read_locks, pseudo_locks, wait_contexts, special):
        yield from family()
