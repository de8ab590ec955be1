#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# What a new user does, by docs/ten-tasks.md: each command of the page is typed, in its order, and what it
# says goes to a file for each, N-M.out. A Debian on which lockvane never was; the store is beyond the network.
. ./lib.sh
PAGE=ten-tasks.md
TASKS=$(sed -n 's/^## \([0-9]*\)\..*/\1/p' $PAGE)
plan $(echo "$TASKS" | sed 's/^/task/')

# The page's own finding, and this guest's, as soon as there is one.
page_id=$(grep -o '\<[0-9a-f]\{12\}\>' $PAGE | head -n 1)
this_id=/tmp/id
hostname web1
rm -f /host/lockvane
mkdir -p /etc/lockvane /etc/ssl
cp ca.crt /etc/ssl/store.crt
install -m 600 fleet.env /etc/lockvane/fleet.env
echo '10.0.2.2 store.example' >>/etc/hosts
. ./fleet.env
cat >/root/.pg_service.conf <<-EOT
	[fleet]
	host=$PGHOST
	port=$PGPORT
	dbname=$PGDATABASE
	user=$PGUSER
	password=$PGPASSWORD
	sslmode=$PGSSLMODE
	sslrootcert=$PGSSLROOTCERT
EOT
insmod lv_uffd.ko || echo 'the module does not load' >&2

# The commands of a task, one a line.
commands() { awk -v task="$1" '/^## / { here = $2 == task "." } here && sub(/^\t# /, "")' $PAGE; }

# Nobody types faster.
settle() { sleep 3; }

type_task()
{
	number=0
	commands "$1" >"/tmp/commands.$1"
	[ -s "/tmp/commands.$1" ] || fail 'no commands'
	while read -r command <&9; do
		number=$((number + 1))
		as=$1-$number
		[ -s $this_id ] && command=$(echo "$command" | sed "s/$page_id/$(cat $this_id)/g")
		say "$command"
		begin=$(now)
		eval "$command" >"$OUT/$as.out" 2>&1
		status=$?
		say "status $status after $(echo "$begin $(now)" | awk '{ printf "%.1f", $2 - $1 }') s"
		# 3: there are findings.
		[ $status -eq 0 ] || [ $status -eq 3 ] || fail "$command: status $status: $(tail -n 2 "$OUT/$as.out")"
		settle
		[ -s $this_id ] || finding_ids "$as.out" | head -n 1 >$this_id
	done 9<"/tmp/commands.$1"
}

for task in $TASKS; do
	eval "case_task$task() { type_task $task; }"
	try "task$task"
done
