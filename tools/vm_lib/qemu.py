# SPDX-License-Identifier: GPL-2.0-only
"""Start one QEMU guest and be sure that it ends with us."""
import ctypes
import os
import signal
import subprocess

PR_SET_PDEATHSIG = 1

# The guest's own channels; the order is the order of the ports.
PORTS = ('lv.out', 'lv.err', 'lv.ctl', 'lv.files')


def _die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def arguments(options, machine, kernel, initrd, console):
    """What every guest has: no default devices, a serial console that goes to a file."""
    cmdline = [f'console={machine.console}', f'loglevel={options.loglevel}', 'panic=-1', 'oops=panic',
               'rdinit=/init',
               'cryptomgr.notests']     # a third of a second a boot
    if options.debian:
        # The console is for the kernel's splats.
        cmdline += ['systemd.show_status=false', 'systemd.log_target=journal',
                    f'systemd.mask=serial-getty@{machine.console}.service']
    if options.append:
        cmdline.append(options.append)
    cpus = options.cpus
    if options.possible_cpus:
        # Since 6.9 CPUs that are not plugged in count only under hypervisors the kernel knows:
        # plug all in, and bring up some.
        cpus = max(cpus, options.possible_cpus)
        cmdline.append(f'maxcpus={options.cpus}')
    words = [machine.qemu, '-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot',
             *machine.words, '-accel', machine.emulator, '-cpu', options.cpu or machine.cpu,
             '-smp', f'cpus={cpus}', *memory(options),
             '-kernel', str(kernel / 'vmlinuz'), '-initrd', str(initrd),
             '-append', ' '.join(cmdline),
             '-chardev', f'file,id=console,path={console}', '-serial', 'chardev:console',
             '-device', 'virtio-serial-pci,max_ports=8']
    if options.network:
        words += ['-netdev', 'user,id=net', '-device', 'virtio-net-pci,netdev=net,romfile=']
    if options.icount:
        words += ['-icount', 'shift=0,sleep=off']
    return words


def memory(options):
    words = ['-m', str(options.memory)]
    if options.hot_memory:
        words[1] += f',maxmem={options.memory + options.hot_memory}M'
        words += ['-object', f'memory-backend-ram,id=hot,size={options.hot_memory}M',
                  '-device', f'virtio-mem-pci,memdev=hot,requested-size={options.hot_memory}M']
    return words


def with_ports(folder):
    """Port N connects to the socket folder/N, where we listen."""
    words = []
    for name in PORTS:
        words += ['-chardev', f'socket,id={name},path={folder}/{name},server=off',
                  '-device', f'virtserialport,chardev={name},name={name}']
    return words


def with_terminal():
    return ['-chardev', 'stdio,id=tty,signal=off,mux=on', '-device', 'virtconsole,chardev=tty']


def start(words, **kwargs):
    return subprocess.Popen(words, preexec_fn=_die_with_parent, **kwargs)


def stop(process):
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(3)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def terminal_size():
    try:
        size = os.get_terminal_size()
        return size.lines or 24, size.columns or 80
    except OSError:
        return 24, 80
