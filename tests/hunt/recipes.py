# SPDX-License-Identifier: GPL-2.0-only
"""The recipes: a bug of stock kernels, the chain by which it is found, and the plain commands that show it."""
from dataclasses import dataclass

DISK = ('disk.sh',)                 # of tests/trials
CHECKSUMS = ('crc32c_generic', 'crc32_generic', 'libcrc32c')
NETWORK = {'modules': ('dummy', 'sch_prio', 'sch_htb', 'cls_u32', 'act_mirred'), 'programs': ('ip', 'tc', 'ping')}


@dataclass(frozen=True)
class Recipe:
    name: str
    about: str
    kernels: tuple                  # the first is the default
    chain: tuple                    # patterns of names: each is in the finding's chain
    script: str = ''                # of tests/hunt or tests/trials, and its arguments (NAME.sh)
    modules: tuple = ()             # of the kernel's own, loaded before if it has them
    programs: tuple = ('bash',)     # of this machine
    puts: tuple = ()                # what else goes in: of build/, tests/hunt or tests/trials
    seconds: int = 400              # limit
    options: str = ''               # of lockvane trace; a recipe has none: a bug is found by default settings

    def command(self):
        return self.script or f'{self.name}.sh'


RECIPES = (
    Recipe('pci-rescan', 'a PCI device that rescans its bus while it is removed', ('6.12-full', '6.1-full', '7.2-full'),
           ('pci_rescan_remove_lock', 'kn->active*')),
    Recipe('serio-drvctl', 'a serio port that is told to rescan while it is removed',
           ('6.12-full', '6.1-full', '7.2-full'), ('serio_mutex', 'kn->active*drvctl*')),
    # The clock of 7.2's guest has a driver that cannot be unbound.
    Recipe('rtc-time', 'a clock that is asked for its time while it goes', ('6.12-full', '6.1-full'),
           ('*rtc_device.ops_lock*', 'kn->active*')),
    Recipe('w1-name', "a 1-wire master's attribute is read while the master goes",
           ('7.2-full', '6.12-full', '6.1-full'),
           ('*w1_master.mutex*', 'kn->active*'), modules=('wire', 'ds2482', 'i2c_dev', 'i2c_stub')),
    Recipe('fcoe-vport', 'a virtual port is made of a Fibre Channel host that goes',
           ('6.12-full', '6.1-full', '7.2-full'),
           ('(work) fc_vport_sched_delete*', 'fcoe_config_mutex*'), modules=('dummy', 'fcoe'), programs=('bash', 'ip')),
    Recipe('gpio-export', 'a line of a GPIO chip is exported while the chip goes', ('7.2-full',),
           ('sysfs_lock*', 'kn->active*'), modules=('gpio_sim',)),
    Recipe('gfs2-freeze', 'a file system is frozen by its attribute while it is unmounted',
           ('6.12-full', '6.1-full', '7.2-full'), ('super_block.s_umount*', 'kn->active*freeze*'),
           modules=('dummy', 'loop', 'gfs2'), programs=('bash', 'ip', 'mkfs.gfs2'), puts=DISK),
    Recipe('waiting-for-supplier', 'a device asked whether it waits for suppliers while a driver binds to it',
           ('6.12-full', '6.1-full', '7.2-full'), ('kn->active*waiting_for_supplier*',),
           modules=('i2c_i801',)),
    Recipe('tpm-timeout', 'the answer of a TPM is read when its time is up', ('6.12-full', '6.1-full', '7.2-full'),
           ('(work) tpm_timeout_work*', '*buffer_mutex*'), modules=('tpm_vtpm_proxy',), puts=('workloads/vtpm',)),
    Recipe('bcache-sysfs', "a cache's attribute is read while its set stops", ('6.12-full', '6.1-full', '7.2-full'),
           ('bch_register_lock*', 'kn->active*'), modules=('loop', 'bcache'),
           programs=('bash', 'make-bcache')),
    Recipe('ntfs3-fiemap', 'extents told to a mapped page of the same file system', ('6.12-full',),
           ('*ni_lock*', '*invalidate_lock*'), modules=('loop', 'ntfs3'), programs=('bash', 'mkntfs'),
           puts=('workloads/copyout', *DISK)),
    Recipe('blktrace-elevator', 'a trace set up from a mapped page of the disk whose scheduler changes',
           ('6.12-full', '6.1-full'), ('*debugfs_mutex*', 'q_usage_counter(io)*'),
           modules=(*CHECKSUMS, 'loop', 'ext4'), programs=('bash', 'mkfs.ext4'),
           puts=('workloads/copyout', *DISK)),
    Recipe('elevator-reclaim', "a scheduler's change that allocates while the queue is frozen", ('6.1-full',),
           ('q_usage_counter(io)*', 'fs_reclaim'), modules=('loop', 'zram', 'bfq', 'kyber_iosched'),
           programs=('bash', 'stress-ng')),
    Recipe('bluetooth-discoverable', 'a controller goes when its being discoverable ends',
           ('6.12-full', '6.1-full', '7.2-full'), ('(work) discov_off*', '*hci_dev.lock*'),
           modules=('bluetooth', 'hci_vhci', 'ecdh_generic', 'cmac'), puts=('workloads/discoverable',)),
    Recipe('ksmbd-heartbeat', "a server's reset, and the work that misses its daemon",
           ('6.12-full', '6.1-full', '7.2-full'), ('(work) ipc_timer_*', 'startup_lock*'), modules=('ksmbd',),
           programs=('bash', 'ksmbd.mountd')),
    Recipe('nfc', "a device's lock that lockdep does not look at", ('6.12-full', '6.1-full'),
           ('*rfkill_global_mutex*', '*dev*mutex*'), modules=('rfkill', 'nfc', 'nfc_digital', 'nfcsim'),
           programs=('bash', 'rfkill')),
    Recipe('qdiscs', 'two qdiscs that redirect to each other', ('6.12', '6.1', '7.2'), ('*Qdisc.q.lock*',),
           script='qdiscs.sh prio htb', modules=NETWORK['modules'], programs=('bash', *NETWORK['programs'])),
    Recipe('reiserfs', 'copied out under the write lock', ('6.12-full', '6.1-full'),
           ('*reiserfs_sb_info.lock*', '*invalidate_lock*'), modules=('loop', 'reiserfs'),
           programs=('bash', 'mkreiserfs'), puts=('workloads/copyout', *DISK)),
    Recipe('team', 'a wireless port of a team that goes', ('6.12-full',), ('*team.lock*', '*wiphy*mtx*'),
           modules=('team', 'mac80211_hwsim'), programs=('bash', 'ip', 'iw')),
)
