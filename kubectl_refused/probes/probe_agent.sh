# The probe agent for images without Python: sh, nc and nslookup of busybox, Alpine or netcat-openbsd.
# Takes the same arguments as probe_agent.py and writes lines of words between tabs, then the same end line:
#   nc  SPEED  TRIES  STATUS  CENTISECONDS  REQUEST  what nc said     (SPEED slow: the time-out was over)
#   ns  STATUS  CENTISECONDS  REQUEST  what nslookup said, lines joined by |
# It cannot tell who refused, and sees no close after an accept.
timeout=4 alarm=60 hold=0 again=0 tab="$(printf '\t')"
while :; do
    case "$1" in
        --timeout) timeout=${2%%.*} ;;
        --alarm) alarm=${2%%.*} ;;
        --hold) hold=${2%%.*} ;;
        *) break ;;
    esac
    shift 2
done
# Process 1 has no default action for signals; the alarm ends it whatever hangs.
trap 'exit 0' TERM INT
(
    waited=0
    while [ "$waited" -lt "$((alarm + hold))" ] && kill -0 "$$"; do sleep 1; waited=$((waited + 1)); done
    kill -TERM "$$"
) </dev/null >/dev/null 2>&1 &
# End right after the handshake: -z in larger builds of nc; the small one of busybox runs a program instead.
flags= after="-e true"
case "$(nc --help 2>&1; nc -h 2>&1)" in *-z*|*Zz*) flags="-v -z" after= ;; esac
now() { read -r up _ </proc/uptime; echo "${up%.*}${up#*.}"; }
joined() { tr '\t\n\r' ' | ' | cut -c1-1500; }
dial() {
    rest=${2#dial:} host=${rest%:*}
    host=${host#[}
    from=$(now)
    said=$(timeout "$((timeout + 1))" nc $flags -w "$timeout" "${host%]}" "${rest##*:}" $after </dev/null 2>&1)
    status=$? took=$(($(now) - from)) speed=quick
    [ "$status" -ne 0 ] && [ "$took" -ge "$((timeout * 100 - 10))" ] && speed=slow
    printf 'nc\t%s\t%s\t%s\t%s\t%s\t%s\n' "$speed" "$1" "$status" "$took" "$2" "$(printf %s "$said" | joined)"
}
lookup() {
    from=$(now)
    said=$(timeout 12 nslookup "${1#lookup:}" 2>&1 </dev/null)
    status=$?
    printf 'ns\t%s\t%s\t%s\t%s\n' "$status" "$(($(now) - from))" "$1" "$(printf '%s\n' "$said" | joined)"
}
first() {
    going=0
    for request; do
        case "$request" in
            dial:*) dial 1 "$request" & ;;
            lookup:*) lookup "$request" & ;;
        esac
        going=$((going + 1))
        [ "$((going % 16))" -eq 0 ] && wait
    done
    wait
}
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
echo '{"end": true}'
[ "$hold" -gt 0 ] && { sleep "$hold" & wait "$!"; }
exit 0
