# SPDX-License-Identifier: Apache-2.0
# Sourced by the *-up scripts of this folder. Everything a rig downloads or writes lives under RIG_CACHE, never in the
# repository.

RIG_CACHE=${RIG_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/fairway-rig}
RIG_HOST=${RIG_HOST:-127.0.0.1}
RIG_INSTANCE=${RIG_INSTANCE:-default}
mkdir -p "$RIG_CACHE"
RIG_CACHE=$(CDPATH='' cd -- "$RIG_CACHE" && pwd)

say() { printf '%s\n' "$*" >&2; }
die() { say "error: $*"; exit 1; }

rig_init() # rig_init NAME: state folder of this rig and instance
{
	RIG_NAME=$1
	RIG_RUN=$RIG_CACHE/run/$RIG_NAME-$RIG_INSTANCE
	mkdir -p "$RIG_RUN"
}

now_ms() { date +%s%3N; }

# --- getting what is missing -------------------------------------------------

apt_try() # apt_try ARGUMENTS...: once more after an update, when the index is stale
{
	apt-get -qq -o APT::Sandbox::User=root "$@" >&2 && return 0
	[ "$(id -u)" = 0 ] || return 1
	apt-get -qq -o DPkg::Lock::Timeout=300 update >&2 && apt-get -qq -o APT::Sandbox::User=root "$@" >&2
}

need_cmd() # need_cmd COMMAND PACKAGE...: from Debian when absent
{
	nc_cmd=$1; shift
	command -v "$nc_cmd" >/dev/null 2>&1 && return 0
	[ "$(id -u)" = 0 ] || die "$nc_cmd is missing; install: $*"
	say "installing $* (for $nc_cmd)"
	DEBIAN_FRONTEND=noninteractive apt_try -y -o DPkg::Lock::Timeout=300 \
		install --no-install-recommends "$@" || die "apt-get could not install $*"
	command -v "$nc_cmd" >/dev/null 2>&1 || die "$nc_cmd is still missing after installing $*"
}

need_go() # need_go FOLDER: a Go that is new enough for the go.mod there; $go is its version
{
	PATH=$PATH:/usr/local/go/bin # where Go's own archive goes, by its instructions
	ng_wanted=$(sed -n 's/^go 1\.\([0-9]*\).*/\1/p' "$1/go.mod")
	# A Go that may fetch a newer one does so here, where go.mod asks for it.
	go=$(cd "$1" && go version 2>/dev/null) || go='none go1.0'
	ng_minor=${go#* go1.}
	[ "${ng_minor%%[!0-9]*}" -ge "$ng_wanted" ] || die "Go 1.$ng_wanted or newer is not installed"
}

# deb_binary PACKAGE BINARY: prints the path of BINARY. From PATH when it is there
# (unless RIG_NO_SYSTEM=1), else the Debian package is unpacked (not installed) into
# the cache: no service is started, no user is made, root is not needed.
deb_binary()
{
	if [ "${RIG_NO_SYSTEM:-0}" != 1 ] && db_path=$(command -v "$2" 2>/dev/null); then
		printf '%s\n' "$db_path"; return 0
	fi
	db_dir=$RIG_CACHE/deb/$1
	if [ ! -d "$db_dir" ]; then
		rm -rf "$db_dir.part"; mkdir -p "$db_dir.part"
		say "fetching $1 with apt-get download"
		( cd "$db_dir.part" && apt_try download "$1" ) || die "apt-get download $1 failed"
		dpkg-deb -x "$db_dir.part"/*.deb "$db_dir.part" && rm -f "$db_dir.part"/*.deb
		rm -rf "$db_dir"; mv "$db_dir.part" "$db_dir"
	fi
	for db_path in "$db_dir"/usr/bin/"$2" "$db_dir"/usr/sbin/"$2" "$db_dir"/bin/"$2" "$db_dir"/sbin/"$2"; do
		[ ! -x "$db_path" ] || { printf '%s\n' "$db_path"; return 0; }
	done
	die "$1 holds no $2"
}

# --- processes: only ever the ones started here ------------------------------

# A pid file holds "PID STARTTIME"; the start time guards against a reused pid.
proc_start() # field 22 of /proc/PID/stat; the name in field 2 may hold spaces
{
	sed 's/^.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20
}

daemon_pid() # daemon_pid NAME: prints the pid when our process still runs
{
	[ -s "$RIG_RUN/$1.pid" ] || return 1
	read -r dp_pid dp_start <"$RIG_RUN/$1.pid"
	[ -n "$dp_start" ] && [ "$(proc_start "$dp_pid")" = "$dp_start" ] || return 1
	case $(sed 's/^.*) //' "/proc/$dp_pid/stat" 2>/dev/null) in Z*|'') return 1 ;; esac
	printf '%s\n' "$dp_pid"
}

port_free() # port_free PORT: refused means free
{
	pf_rc=0
	curl -s -o /dev/null --noproxy '*' --max-time 2 "http://$RIG_HOST:$1/" || pf_rc=$?
	[ "$pf_rc" = 7 ]
}

daemon_start() # daemon_start NAME PORT|- COMMAND...; runs in the folder DAEMON_CWD
{
	ds_name=$1 ds_port=$2; shift 2
	ds_left=30 # a server that was just killed may hold its port for a moment
	until [ "$ds_port" = - ] || port_free "$ds_port"; do
		[ "$ds_left" -gt 0 ] || die "port $ds_port ($ds_name) is in use by something else"
		ds_left=$((ds_left - 1))
		sleep 0.1
	done
	setsid env -C "${DAEMON_CWD:-$RIG_RUN}" "$@" >"$RIG_RUN/$ds_name.log" 2>&1 </dev/null &
	ds_pid=$!
	printf '%s %s\n' "$ds_pid" "$(proc_start "$ds_pid")" >"$RIG_RUN/$ds_name.pid"
}

daemon_stop() # daemon_stop NAME [SIGNAL]: TERM, up to 10 s, then KILL
{
	if st_pid=$(daemon_pid "$1"); then
		kill -s "${2:-TERM}" "$st_pid" 2>/dev/null || :
		st_i=0
		while daemon_pid "$1" >/dev/null && [ "$st_i" -lt 100 ]; do sleep 0.1; st_i=$((st_i + 1)); done
		if daemon_pid "$1" >/dev/null; then kill -KILL "$st_pid" 2>/dev/null || :; say "$1: killed"; fi
	fi
	rm -f "$RIG_RUN/$1.pid"
}

daemon_status() # daemon_status NAME
{
	if sp=$(daemon_pid "$1"); then
		rss=$(sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$sp/status")
		printf '%-14s pid %-7s rss %s kB\n' "$1" "$sp" "$rss"
	else
		printf '%-14s not running\n' "$1"; return 1
	fi
}

# wait_for NAME SECONDS WHAT COMMAND...: until COMMAND succeeds and NAME still runs
wait_for()
{
	wf_name=$1 wf_left=$(($2 * 10)) wf_what=$3; shift 3
	until "$@" >/dev/null 2>&1; do
		wf_left=$((wf_left - 1))
		if ! daemon_pid "$wf_name" >/dev/null || [ "$wf_left" -le 0 ]; then
			say "$wf_name: $wf_what did not come about; the end of its log:"
			tail -n 20 "$RIG_RUN/$wf_name.log" >&2
			return 1
		fi
		sleep 0.1
	done
	daemon_pid "$wf_name" >/dev/null
}

http_ok() # http_ok URL [CURL ARGUMENTS]
{
	curl -sf -o /dev/null --noproxy '*' --max-time 5 "$@"
}

http_has() # http_has PATTERN URL [CURL ARGUMENTS]: the answer matches PATTERN
{
	hh_pat=$1; shift
	curl -sf --noproxy '*' --max-time 5 "$@" | grep -q -- "$hh_pat"
}
