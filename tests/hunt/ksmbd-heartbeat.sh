#!/host/bash
# SPDX-License-Identifier: GPL-2.0-only
# ksmbd's work that looks after its daemon takes startup_lock once the daemon does not answer; a reset of
# the server waits for that work under startup_lock. The daemon is killed.
set -u
mkdir -p /run/lock /var/run
cat >/tmp/ksmbd.conf <<end
[global]
	ipc timeout = 2
	bind interfaces only = yes
	interfaces = lo
end
: >/tmp/users
for round in 1 2; do
	ksmbd.mountd -n -c /tmp/ksmbd.conf -u /tmp/users >/tmp/mountd.log 2>&1 &
	sleep 4
	killall -9 ksmbd.mountd || { cat /tmp/mountd.log >&2; exit 1; }
	sleep 8
	rm -f /run/ksmbd.lock
done
true
