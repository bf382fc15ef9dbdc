# What a user without root can run, in a guest whose cgroup tree is as systemd makes it. systemd is not there: where a command asks it for
# something, a stand-in does to the kernel's files what systemd does, and everything else is real: the kernel, newuidmap, usermod, sysctl.
#
# usage: rootless.sh PART; the parts are functions at the end.
set -u
top=/sys/fs/cgroup
slice=$top/user.slice/user-1000.slice
manager=$slice/user@1000.service

# Lets the children of a cgroup use controllers.
enable() { for name in $2; do echo "+$name" >"$1/cgroup.subtree_control"; done; }

# A cgroup for the user, as a manager gives it: the directory and what cgroup-v2.rst names under "Delegation".
give() { mkdir -p "$1" && chown 1000:1000 "$1" "$1/cgroup.procs" "$1/cgroup.subtree_control" "$1/cgroup.threads"; }

# What the user's manager gets by user@.service, and by its drop-in where there is one.
delegated() { sed -n 's/^Delegate=//p' /etc/systemd/system/user@.service.d/delegate.conf 2>/dev/null | grep . || echo "memory pids"; }
realize() {
    for group in "$slice" "$manager" "$manager/app.slice"; do enable "$group" "$(delegated)"; done
}

machine() {
    chmod 755 /run
    mkdir -p /run/lock /run/user/1000 /home/alice /etc/systemd/system
    chown 1000:1000 /run/user/1000 /home/alice
    chmod 700 /run/user/1000
    enable $top "cpu cpuset io memory pids"
    mkdir -p "$slice/session-1.scope"
    enable $top/user.slice "cpu cpuset io memory pids"
    give "$manager"
    give "$manager/app.slice"
    realize
    # The system's manager moves processes for users, who may not do so between what belongs to root.
    mkfifo -m 622 /run/scopes
    exec 3<>/run/scopes
    while read -r pid <&3; do
        scope=$manager/app.slice/run-$pid.scope
        give "$scope"
        echo "$pid" >"$scope/cgroup.procs"
    done &
    helper=$!
}

# Delegation, IDs and programs as they should be.
good() {
    mkdir -p /etc/systemd/system/user@.service.d
    printf '[Service]\nDelegate=cpu cpuset io memory pids\n' >/etc/systemd/system/user@.service.d/delegate.conf
    realize
    apt-get install uidmap
    echo alice:100000:65536 >/etc/subuid
    echo alice:100000:65536 >/etc/subgid
}

# Runs a command line as the user, in the session that a login makes.
user() {
    (
        # The first process of a subshell that executes something else keeps its ID.
        sh -c 'echo $PPID' >"$slice/session-1.scope/cgroup.procs"
        exec su -s /bin/sh alice -c "export PATH=/bin XDG_RUNTIME_DIR=/run/user/1000; cd /home/alice; $1"
    )
}
SCOPE="systemd-run --user --scope -p Delegate=yes"

# The command in the remedy of a requirement, as doctor prints it: the first in backticks.
command_for() { awk -v name="$1" '/^    for / && index($0 ",", " " name ",") {print line} {line = $0}' | sed -n 's/^[^`]*`\([^`]*\)`.*/\1/p'; }

scenario() {
    cat >/home/alice/s.yaml <<'EOF'
version: 1
name: small
attacker: {workload: forkbomb}
node: {pids: 128, memory: 256Mi}
trials: {pairs: 2, budget: 1s, block: 100ms}
configs:
  - {name: held, limits: {pids: 64}}
EOF
    # The least that is a run: one sandbox that does nothing beside one that is measured.
    cat >/home/alice/least.yaml <<'EOF'
version: 1
name: least
attacker: {workload: sleep}
node: {pids: 128, memory: 256Mi}
trials: {pairs: 2, budget: 1s, block: 100ms}
configs:
  - {name: quiet}
EOF
}

# A requirement that is missing: what a run says, what doctor proposes, and what a run says when that was done.
mends() {
    start=$2
    user "$start contain-test run --quick least.yaml" >/tmp/out 2>&1
    code=$?
    command=$(user "$start contain-test doctor --quick" 2>/dev/null | command_for "$1")
    echo "$1: exit $code without; named $(grep -c "$1" /tmp/out | sed 's/[1-9][0-9]*/yes/'); command: $command"
    [ -n "$command" ] || { cat /tmp/out; user "$start contain-test doctor --quick"; }
    case $command in
        sudo*) sh -c "$command" >/tmp/mended 2>&1 || cat /tmp/mended ;;
        *contain-test*) start=${command% contain-test*} ;;
    esac
    user "$start contain-test run --quick least.yaml --format json" >/tmp/out.json 2>/tmp/out
    code=$?
    echo "$1: exit $code with; verdicts $(sed -n 's/^ *"verdict": "\(held\|contained\|denied\|harmless\|inconclusive\|degraded\|skipped\|error\)".*/\1/p' /tmp/out.json | sort | uniq -c | tr -s ' \n' ' ')"
    [ "$code" = 0 ] || { cat /tmp/out; grep -m5 reason /tmp/out.json; }
}

left() {
    find /run /tmp /dev/shm -name '*contain-test-*' 2>/dev/null
    find $top -name 'contain-test-*'
    grep -l '^Uid:.[1-9][0-9][0-9][0-9][0-9][0-9]' /proc/[0-9]*/status 2>/dev/null
    for pid in $(pidof contain-test); do echo "process $pid"; done
    for scope in "$manager"/app.slice/run-*.scope; do
        [ -e "$scope" ] && [ -n "$(cat "$scope/cgroup.subtree_control")" ] && echo "controllers in $scope"
    done
}

# Lets the stand-in go; scopes that are empty go too.
finish() {
    echo "left: $(left | tr '\n' ' ')"
    kill $helper
    find "$manager/app.slice" -depth -type d -name 'run-*' -exec rmdir {} \;
    exit 0
}

# A run with all of its steps, and what its record says.
whole() {
    good
    user "$SCOPE contain-test doctor --quick"
    echo "doctor: exit $?"
    user "$SCOPE contain-test run --quick --allow-inconclusive pids --export json=/tmp/pids.json"
    echo "pids: exit $?"
    steps() { sed -n "/^  \"$1\": \[/,/^  \]/p" "$2" | sed 's/contain-test-[0-9a-f]\{8\}/contain-test-RUN/g; s/run-[0-9]*.scope/run-N.scope/g; s/\],*$//'; }
    user "$SCOPE contain-test run --quick --dry-run pids --format json" >/tmp/dry.json
    for part in steps tear_down; do
        steps $part /tmp/dry.json >/tmp/dry
        steps $part /tmp/pids.json >/tmp/done
        echo "$part: $(wc -l </tmp/done) lines, $(cmp -s /tmp/dry /tmp/done && echo as planned || diff /tmp/dry /tmp/done)"
    done
    sed -n 's/^ *"rootless": .*/rootless in the record/p; s/^ *"cgroup": "\/.*\(app.slice\).*/delegated \1/p' /tmp/pids.json
}

# What the system's settings and packages lack, one after the other.
mend_system() {
    good
    : >/etc/subuid
    mends ids.subordinate "$SCOPE"
    rm -f /bin/newuidmap
    mends ids.programs "$SCOPE"
    sysctl -w user.max_user_namespaces=0 >/dev/null
    mends namespace.user "$SCOPE"
    if [ -e /proc/sys/kernel/unprivileged_userns_clone ]; then
        sysctl -w kernel.unprivileged_userns_clone=0 >/dev/null
        mends namespace.user "$SCOPE"
    else
        echo "namespace.user: this kernel has no kernel.unprivileged_userns_clone"
    fi
    rmdir /run/lock
    mends runtime.quarters "$SCOPE"
}

# What delegation lacks.
mend_delegation() {
    good
    mends cgroup.writable ""
    # A shell in the scope stays in it.
    echo '"$@"; exit $?' >/home/alice/beside.sh
    mends cgroup.alone "$SCOPE sh beside.sh"
    for group in "$manager/app.slice" "$manager" "$slice"; do echo "-cpu -cpuset -io" >"$group/cgroup.subtree_control"; done
    rm /etc/systemd/system/user@.service.d/delegate.conf
    mends cgroup.cpuset "$SCOPE"
}

# What a user is told where controllers are on version 1.
version_1() {
    mkdir -p /home/alice
    scenario
    su -s /bin/sh alice -c "export PATH=/bin; contain-test run /home/alice/s.yaml"
    echo "run: exit $?"
    su -s /bin/sh alice -c "export PATH=/bin; contain-test doctor --quick"
    echo "doctor: exit $?"
}

# What needs root is skipped with its reason, and the rest runs.
partly() {
    good
    {
        cat /home/alice/s.yaml
        echo "  - {name: disk, node: {pids: 128, memory: 256Mi, disk: 64Mi}, limits: {pids: 64}}"
        echo "  - {name: sysctls, sysctls: {kernel.pid_max: 4096}, limits: {pids: 64}}"
        echo "  - {name: limits, limits: {pids: 64, nofile: 2000000}}"
    } >/home/alice/partly.yaml
    user "$SCOPE contain-test run --quick --allow-inconclusive --allow sysctls partly.yaml --export csv=/tmp/partly.csv"
    echo "partly: exit $?"
}

# Starts a run and waits until its fork bomb is at work; tells the IDs of harness and guardian.
attack() {
    user "$SCOPE contain-test run s.yaml" >/tmp/out 2>&1 &
    for try in $(seq 300); do
        tasks=$(cat "$manager"/app.slice/run-*/contain-test-*/attacker/pids.current 2>/dev/null || echo 0)
        [ "$tasks" -gt 40 ] && break
        usleep 50000
    done
    echo "attack: $([ "$tasks" -gt 40 ] && echo on)"
    for pid in $(cat "$manager"/app.slice/run-*/contain-test-*.harness/cgroup.procs); do
        case $(tr '\0' ' ' <"/proc/$pid/cmdline") in
            *" run s.yaml "*) harness=$pid ;;
            *" __guardian "*) guardian=$pid ;;
        esac
    done
}

gone() { for try in $(seq 100); do [ -e "/proc/$1" ] || return; usleep 50000; done; }

# A harness that is killed, a harness that is killed with its guardian, and one that is asked to end.
killed() {
    good
    attack
    kill -9 "$harness"
    gone "$guardian"
    echo "left by the guardian: $(left | tr '\n' ' ')"
    attack
    kill -STOP "$harness"
    kill -9 "$guardian"
    kill -9 "$harness"
    gone "$harness"
    echo "left by nobody: $(left | wc -l | sed 's/[1-9][0-9]*/something/')"
    user "contain-test clean"
    echo "clean: exit $?; left: $(left | tr '\n' ' ')"
    attack
    kill -INT "$harness"
    gone "$harness"
    echo "left by a signal: $(left | tr '\n' ' ')"
}

# Sourced by whoever wants several parts.
[ $# = 0 ] || "$@"
