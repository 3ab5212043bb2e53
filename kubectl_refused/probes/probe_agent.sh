# The probe agent for images without Python: sh, and nc of busybox, Alpine or netcat-openbsd, else bash.
# Takes the same arguments as probe_agent.py and writes lines of words between tabs, then the same end line:
#   nc  SPEED  TRIES  STATUS  CENTISECONDS  REQUEST  what nc or bash said     (SPEED slow: the time-out was over)
#   ns  STATUS  CENTISECONDS  REQUEST  what nslookup said, lines joined by |
# or, where the image has neither, {"unable": "..."}. With --times it writes a line for each dial.
# It cannot tell who refused, never asks what a peer speaks, and nc -z sees no close after an accept.
timeout=4 alarm=60 hold=0 times=1 again=0 watch=0 tab="$(printf '\t')"
while :; do
    case "$1" in
        --timeout) timeout=${2%%.*} ;;
        --alarm) alarm=${2%%.*} ;;
        --hold) hold=${2%%.*} ;;
        --settle) sleep "$2" ;;
        --watch) watch=$2 ;;
        --times) times=${2%%.*} ;;
        --guess|--hops) ;;
        *) break ;;
    esac
    shift 2
done
# Process 1 has no default action for signals; the alarm ends it whatever hangs. Every child is waited for: in a
# client's container an orphan goes to its process 1, which is seldom an init, and stays a zombie for ever.
(
    trap 'kill -9 "$!"; wait; exit 0' TERM
    waited=0
    while [ "$waited" -lt "$((alarm + hold))" ] && kill -0 "$$"; do sleep 1 & wait "$!"; waited=$((waited + 1)); done
    kill -TERM "$$"
) </dev/null >/dev/null 2>&1 &
alarming=$!
# Descriptor 3 is the input that whoever waits for the answers holds open: its end is the end of the stream. What is
# being dialled then is waited for as ever, and nothing more is dialled.
watching_input=
if [ "$watch" -gt 0 ]; then
    (while read -r x; do :; done; kill -TERM "$$") <&3 >/dev/null 2>&1 &
    watching_input=$!
fi
# Set after the fork: a child that still has its shell's handler loses a TERM (so the sleeps get what none can lose).
trap 'exit 0' TERM INT
trap '{ kill "$alarming" $watching_input; wait "$alarming" $watching_input; } 2>/dev/null' EXIT
tool=
for tool in nc bash ""; do [ -n "$tool" ] && command -v "$tool" >/dev/null && break; done
case " $*" in
    *" dial:"*)
        if [ -z "$tool" ]; then
            command -v python3 >/dev/null && echo '{"unable": "no nc or bash"}' || echo '{"unable": "no python3, nc or bash"}'
            echo '{"end": true}'
            exit 0
        fi ;;
esac
# End right after the handshake: -z in larger builds of nc; the small one of busybox runs a program instead. That
# tells when the handshake was over, and an end of input that comes at once; read times out with another status in
# newer builds, and in whole seconds only in older ones.
flags= after="-e sh -c"
listener='read -r from x </proc/uptime; echo "open $from" >&2
read -r -t 1 -n 1 x; [ $? -eq 1 ] || exit 0
read -r to x </proc/uptime
[ "$((${to%.*}${to#*.} - ${from%.*}${from#*.}))" -lt 50 ] && { echo "accepted, then closed" >&2; exit 9; }
exit 0'
[ "$tool" = nc ] && case "$(nc --help 2>&1; nc -h 2>&1)" in *-z*|*Zz*) flags="-v -z" after= ;; esac
# Host and port are parameters of this fixed text, never part of it. An end within 0.2 s is told.
dialler='exec 3<>"/dev/tcp/$1/$2" || exit 1
read -r -t 0.2 -n 1 -u 3 x
[ $? -eq 1 ] && { echo "accepted, then closed"; exit 9; }
exit 0'
# No timeout(1): that of busybox leaves an orphan. Its callers redirect by exec: a redirected function would leave a
# copy of the standard error open in what waits here, and nobody would see the end of the output before.
limited() {
    seconds=$1
    shift
    "$@" &
    dialling=$!
    (
        trap '[ "$!" = "$dialling" ] || kill -9 "$!"; wait; exit 0' TERM
        sleep "$seconds" &
        wait "$!"
        kill "$dialling"
    ) >/dev/null 2>&1 &
    watching=$!
    wait "$dialling"
    ended=$?
    { kill "$watching"; wait "$watching"; } 2>/dev/null
    return "$ended"
}
connect() {
    case "$1" in */*) echo "bad address"; return 1 ;; esac
    case "$tool" in
        nc) limited "$((timeout + 2))" nc $flags -w "$timeout" "$1" "$2" $after ${after:+"$listener"} ;;
        bash) limited "$timeout" bash -c "$dialler" refused "$1" "$2" ;;
    esac
}
now() { read -r up _ </proc/uptime; echo "${up%.*}${up#*.}"; }
joined() { tr '\t\n\r' ' | ' | cut -c1-1500; }
dial() {
    rest=${2#dial:} host=${rest%:*}
    host=${host#[}
    from=$(now)
    said=$(exec 2>&1 </dev/null; connect "${host%]}" "${rest##*:}")
    status=$? took=$(($(now) - from)) speed=quick
    case "$said" in
        "open "*) opened=${said#open } opened=${opened%%[!0-9.]*} took=$((${opened%.*}${opened#*.} - from)) ;;
    esac
    [ "$status" -ne 0 ] && [ "$took" -ge "$((timeout * 100 - 10))" ] && speed=slow
    printf 'nc\t%s\t%s\t%s\t%s\t%s\t%s\n' "$speed" "$1" "$status" "$took" "$2" "$(printf %s "$said" | joined)"
}
domains() { while read -r word rest; do [ "$word" = search ] && echo "$rest"; done </etc/resolv.conf; }
# busybox's nslookup searches for names without a dot only (add_query_with_search), libc for all with less than five,
# as pods have it. Where no server answers, the next name is not asked for.
searched() {
    said= suffixes=
    case "$1" in *.|*.*.*.*.*.*) ;; *.*) suffixes=$(domains) ;; esac
    for suffix in $suffixes ""; do
        said=$(exec 2>&1; limited 12 nslookup "$1${suffix:+.$suffix}")
        ended=$?
        case "$said" in *Name:*|*"timed out"*|*"no servers"*|*"no response"*|*refused*|"") break ;; esac
    done
    printf '%s\n' "$said"
    return "$ended"
}
# In nslookup's words, which busybox and bind share; getent is what images with bash have.
resolve() {
    if command -v nslookup >/dev/null || ! command -v getent >/dev/null; then
        searched "$1"
        return
    fi
    entries=$(limited 12 getent ahosts "$1") || { echo "can't resolve $1"; return 1; }
    echo "Name: $1"
    printf '%s\n' "$entries" | while read -r address _; do echo "Address: $address"; done
}
lookup() {
    from=$(now)
    said=$(exec 2>&1 </dev/null; resolve "${1#lookup:}")
    status=$?
    printf 'ns\t%s\t%s\t%s\t%s\n' "$status" "$(($(now) - from))" "$1" "$(printf '%s\n' "$said" | joined)"
}
first() {
    going=0
    for request; do
        case "$request" in
            dial:*) dial 1 "$request" & ;;
            lookup:*) [ "$round" -gt 1 ] || lookup "$request" & ;;
        esac
        going=$((going + 1))
        [ "$((going % 16))" -eq 0 ] && wait
    done
    wait
}
round=1 started=$(now)
# A silent dial may be a reject that the kernel's limit kept back: again, alone, at most 8 of them.
heard="$(first "$@")"
printf '%s\n' "$heard" | grep -v "^nc${tab}slow"
for request; do
    case "$heard" in
        *"slow${tab}1${tab}"*) ;;
        *) break ;;
    esac
    line=$(printf '%s\n' "$heard" | grep -F "${tab}$request${tab}" | grep "^nc${tab}slow")
    [ -n "$line" ] || continue
    again=$((again + 1))
    if [ "$again" -le 8 ]; then dial 2 "$request"; else printf '%s\n' "$line"; fi
done
# Repeats begin in the first half of the time only, and apart where anything failed: see the limit above.
while [ "$round" -lt "$times" ] && [ "$round" -lt 20 ] && [ "$(($(now) - started))" -lt "$((alarm * 50))" ]; do
    round=$((round + 1))
    printf '%s\n' "$heard" | grep -q "^nc${tab}[a-z]*${tab}[0-9]*${tab}[1-9]" && sleep 2
    heard="$(first "$@")"
    printf '%s\n' "$heard" | grep "^nc"
done
echo '{"end": true}'
[ "$hold" -gt 0 ] && { sleep "$hold" & wait "$!"; }
exit 0
