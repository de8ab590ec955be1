#!/host/bash
# SPDX-License-Identifier: GPL-2.0-only
# stress.sh [SECONDS]: each stressor of stress-ng's class "os" by itself, so long (1).
# Left out: those that stop or panic the machine, or take its memory or CPUs away...
leave=reboot,watchdog,cpu-online,memhotplug,klog,oom-pipe,bigheap,brk,resources,mlockmany,efivar,kvm
# ...whose only work is to start or end programs, or to raise exceptions, which an emulated CPU makes slow...
leave=$leave,fork,vfork,vforkmany,forkheavy,zombie,clone,exec,spawn,daemon,pthread,kill,yield,cyclic,schedpolicy
leave=$leave,opcode,bad-altstack,sigsegv,vm-segv,x86syscall,sysinval,enosys,tlb-shootdown,numa,pagemove,madvise
# ...or that flood the console or a network.
leave=$leave,full,icmp-flood,rawpkt,udp-flood
cd /tmp && exec stress-ng --class os --sequential 1 --timeout "${1:-1}s" --temp-path /tmp \
	--exclude "$leave" --oomable
