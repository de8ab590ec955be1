# SPDX-License-Identifier: GPL-2.0-only
"""The workloads of the hunt: they expect nothing; what they find is judged in docs/found.md."""
from recipes import CHECKSUMS, DISK, Recipe

# A workload is to go on where its stressors contend.
WHOLE = '--contention 0'
FULL = ('6.12-full', '6.1-full', '7.2-full')


def filesystem(kind, mkfs, programs=(), modules=(), megabytes=96):
    """Plain and less plain use of one file system on a loop device."""
    return Recipe(f'fs-{kind}', f'stressors, ioctls, quota and freezing on {kind}', FULL, (),
                  script=f'fs.sh {kind} {megabytes} {mkfs}', modules=('loop', *CHECKSUMS, kind, *modules),
                  programs=('bash', 'stress-ng', mkfs.split()[0], *programs),
                  puts=('workloads/copyout', 'workloads/freeze', *DISK), seconds=300, options=WHOLE)


def devices(kind, *modules):
    """Modules that load without hardware, with what they bring."""
    return Recipe(f'modules-{kind}', f'{kind}: modules come and go, their attributes and devices are used', FULL, (),
                  script=f'modules.sh {" ".join(modules)}', modules=modules, programs=('bash', 'ip'), seconds=400,
                  options=WHOLE)


MODULES = (
    devices('sound', 'snd_dummy', 'snd_aloop', 'snd_virmidi', 'snd_seq', 'snd_seq_midi', 'snd_seq_dummy',
            'snd_mixer_oss', 'snd_pcm_oss', 'snd_hrtimer', 'snd_mtpav', 'snd_pcsp', 'snd_ctl_led'),
    devices('media', 'vivid', 'rc_loopback', 'cec', 'pulse8_cec', 'usbtv', 'dvb_core'),
    devices('usb', 'dummy_hcd', 'libcomposite', 'g_mass_storage', 'usb_storage', 'uas', 'usbhid', 'cdc_acm',
            'usbip_core', 'vhci_hcd', 'usbip_host', 'usbmon', 'ledtrig_usbport'),
    devices('usb-net', 'dummy_hcd', 'g_ether', 'cdc_ether', 'cdc_subset', 'rndis_host', 'cdc_ncm', 'usbip_core',
            'usbip_vudc'),
    devices('usb-serial', 'dummy_hcd', 'g_serial', 'cdc_acm', 'usbserial', 'snd_usb_audio'),
    devices('links', 'dummy', 'ifb', 'bonding', 'team', 'bridge', 'vcan', 'vxcan', 'can_raw', 'can_bcm', 'can_gw',
            'can_j1939', 'can_isotp', 'ax25', 'netrom', 'rose', 'bpqether', 'nlmon', 'batman_adv', 'tun', 'ipip', 'sit',
            'ip_gre', 'ip6_gre', 'ip_vti', 'ip6_vti', 'ip6_tunnel', 'eql', 'macsec', 'hsr', 'gtp', 'vrf'),
    devices('wireless', 'mac80211_hwsim', 'mac802154_hwsim', 'ieee802154_6lowpan', 'ieee802154_socket', 'fakelb',
            'bluetooth', 'bnep', 'rfcomm', 'hidp', 'hci_vhci', 'nfc', 'nci', 'nfc_digital', 'nfcsim', 'rfkill'),
    devices('protocols', 'tipc', 'rds', 'rds_tcp', 'sctp', 'sctp_diag', 'l2tp_core', 'l2tp_netlink', 'l2tp_eth',
            'l2tp_ip',
            'l2tp_ppp', 'pppoe', 'pptp', 'mpls_router', 'mpls_iptunnel', 'smc', 'smc_diag', 'qrtr', 'phonet', 'kcm',
            'rxrpc',
            'vsock', 'vsock_loopback', 'openvswitch', 'ip_vs', 'nf_conntrack', 'rdma_rxe', 'ib_core', 'rdma_cm',
            'ib_uverbs', 'rdma_ucm', 'atm', 'lec', 'llc2', 'appletalk', 'xfrm_interface', 'wireguard'),
    devices('disks', 'null_blk', 'brd', 'zram', 'nbd', 'loop', 'scsi_debug', 'sd_mod', 'sg', 'sr_mod', 'st', 'ch',
            'nvme_core', 'nvmet', 'nvme_loop', 'drbd', 'target_core_mod', 'tcm_loop', 'iscsi_tcp',
            'scsi_transport_fc', 'libfcoe', 'fcoe', 'scsi_transport_sas', 'bfq', 'kyber_iosched'),
    devices('volumes', 'md_mod', 'raid0', 'raid1', 'raid10', 'raid456', 'linear', 'dm_mod', 'dm_crypt', 'dm_snapshot',
            'dm_thin_pool', 'dm_raid', 'dm_cache', 'dm_integrity', 'dm_multipath', 'dm_zero', 'dm_delay',
            'dm_writecache',
            'bcache', 'mtd', 'mtdram', 'mtdblock', 'nandsim', 'ubi', 'block2mtd', 'phram'),
    devices('inputs', 'uhid', 'uinput', 'evdev', 'joydev', 'input_leds', 'ledtrig_netdev', 'ledtrig_timer',
            'ledtrig_oneshot',
            'ledtrig_heartbeat', 'ledtrig_pattern', 'ledtrig_transient', 'gameport', 'psmouse', 'atkbd', 'serio_raw',
            'serport', 'hid', 'hid_generic', 'industrialio', 'iio_trig_sysfs', 'comedi', 'comedi_test'),
    devices('others', 'softdog', 'ipmi_msghandler', 'ipmi_devintf', 'ipmi_watchdog', 'tpm_vtpm_proxy', 'vhost_net',
            'vhost_vsock', 'cuse', 'fuse', 'configfs', 'pcrypt', 'cryptd', 'n_hdlc', 'slip', 'slcan', 'mkiss',
            'ppp_generic', 'ppp_async', 'pps_ldisc', 'parport', 'ppdev', 'lp', 'wire', 'uio', 'firewire_core', 'pcmcia',
            'hwmon', 'coretemp', 'gpio_sim', 'binfmt_misc', 'ntsync'),
)
WORKLOADS = MODULES + (
    filesystem('jfs', 'mkfs.jfs -q'),
    filesystem('ntfs3', 'mkntfs -F -Q'),
    filesystem('ocfs2', 'mkfs.ocfs2 -q -F -M local -N 1 -T mail', modules=('ocfs2_stack_o2cb',), megabytes=256),
    filesystem('nilfs2', 'mkfs.nilfs2 -f -q', megabytes=160),
    filesystem('gfs2', 'mkfs.gfs2 -q -O -p lock_nolock -J 8', megabytes=160),
    filesystem('udf', 'mkfs.udf'),
    filesystem('exfat', 'mkfs.exfat'),
    filesystem('reiserfs', 'mkreiserfs -q -ff'),
)
