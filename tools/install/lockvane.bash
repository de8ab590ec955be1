# SPDX-License-Identifier: GPL-2.0-only
# Completion for bash. Commands and options are asked of the program itself, so that they are true.

_lockvane_commands()
{
	"$1" --help 2>/dev/null | sed -n 's/^  \([a-z]*\)  *.*/\1/p'
}

# Long options of a command, with = where a value must follow; fleet has commands of its own.
_lockvane_options()
{
	"$@" --help 2>/dev/null | sed -n 's/^ *\(-., \)\?\(--[a-z-]*=\?\).*/\2/p'
}

_lockvane_rules()
{
	echo inconsistent-state irq-inversion circular recursive wait-context bad-unlock held-freed held-at-exit
}

# The ids of the capture that stands on the line, else of the monitor's findings.
_lockvane_ids()
{
	local word program=$1 from=()
	for word in "${@:3}"; do
		[ -f "$word" ] && from=("$word")
	done
	"$program" findings "${from[@]}" --brief --confidence weak --list-suppressed 2>/dev/null |
		sed -n 's/^\([0-9a-f]\{12\}\) .*/\1/p'
}

_lockvane()
{
	local cur prev words cword split command
	_init_completion -s || return
	command=${words[1]}

	if [ "$cword" -eq 1 ]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_lockvane_commands "${words[0]}") --help --version" -- "$cur")
		return
	fi
	# Words after -- are a command of their own.
	local i
	for ((i = 2; i < cword; i++)); do
		[ "${words[i]}" = -- ] && { _command_offset $((i + 1)); return; }
	done
	case $command:$prev in
	monitor:--json | monitor:--accept-hazard)
		mapfile -t COMPREPLY < <(compgen -W 'yes no' -- "$cur"); return ;;
	monitor:--metrics) mapfile -t COMPREPLY < <(compgen -W 'off unix: 127.0.0.1:9464' -- "$cur"); return ;;
	monitor:--metrics-mode) mapfile -t COMPREPLY < <(compgen -W '0600 0660' -- "$cur"); return ;;
	monitor:--log-level)
		mapfile -t COMPREPLY < <(compgen -W 'error warning notice info debug' -- "$cur"); return ;;
	esac
	case $prev in
	--format)
		case $command in
		trace | report | merge | replay | show) mapfile -t COMPREPLY < <(compgen -W 'text json html' -- "$cur") ;;
		edges) mapfile -t COMPREPLY < <(compgen -W 'text json dot' -- "$cur") ;;
		*) mapfile -t COMPREPLY < <(compgen -W 'text json' -- "$cur") ;;
		esac
		return ;;
	--confidence)
		mapfile -t COMPREPLY < <(compgen -W 'observed confirmed certain likely weak' -- "$cur"); return ;;
	--locks | -l) mapfile -t COMPREPLY < <(compgen -W 'spin rw mutex rwsem sock pseudo all' -- "$cur"); return ;;
	--rule) mapfile -t COMPREPLY < <(compgen -W "$(_lockvane_rules)" -- "$cur"); return ;;
	--since | -s) mapfile -t COMPREPLY < <(compgen -W 'today yesterday' -- "$cur"); return ;;
	--duration | -d | --contention | --budget | --window | --state-max | --lock | --module | --id | --why | --store | --host | --retry)
		return ;;
	--output | -o | --suppress | --config | -c | --add | --vmlinux) _filedir; return ;;
	--state | --modules) _filedir -d; return ;;
	esac
	$split && return
	if [ "$command" = fleet ] && [ "$cword" -eq 2 ] && [[ $cur != -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$("${words[0]}" fleet --help 2>/dev/null |
			sed -n 's/^  \([a-z]*\)  *.*/\1/p')" -- "$cur")
		return
	fi
	if [[ $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_lockvane_options "${words[0]}" "$command" $([ "$command" = fleet ] && [ "$cword" -gt 2 ] && echo "${words[2]}"))" -- "$cur")
		[[ ${COMPREPLY-} == *= ]] && compopt -o nospace
		return
	fi
	case $command in
	report | classes | edges | diff | merge | explain | replay | findings) _filedir ;;
	fleet)
		case ${words[2]} in
		push) _filedir ;;
		snapshot) _filedir -d ;;
		esac ;;
	show | suppress)
		_filedir
		mapfile -O ${#COMPREPLY[@]} -t COMPREPLY < <(compgen -W "$(_lockvane_ids "${words[@]}")" -- "$cur") ;;
	esac
} && complete -F _lockvane lockvane
