#!/bin/sh
# Runs a command that needs a rendering session: waits for a session of a pool, says that it is used for as long as the
# command runs, and gives it back.
#
#   LEASEKEEPER_SOCKET=/run/leasekeeper/control.sock client.sh POOL CLIENT COMMAND [ARGUMENT…]
#
# The command finds the server in RENDERING_HOST and RENDERING_PORT. Needs curl and jq.
set -eu

socket=${LEASEKEEPER_SOCKET:?name the control socket of the daemon}
ask_every=${ASK_EVERY:-2}      # seconds; a client that does not ask for a minute loses its turn
touch_every=${TOUCH_EVERY:-60} # seconds; well below the pool's idle_timeout
[ $# -ge 3 ] || { echo "usage: $0 POOL CLIENT COMMAND [ARGUMENT…]" >&2; exit 2; }
pool=$1 client=$2
shift 2

# call PATH BODY: leaves the answer in $answer, and its status in $status.
call() {
  answer=$(curl --silent --show-error --unix-socket "$socket" "http://leasekeeper$1" \
    --header 'content-type: application/json' --data "$2" --write-out '\n%{http_code}')
  status=$(printf '%s\n' "$answer" | tail -n 1)
  answer=$(printf '%s\n' "$answer" | sed '$d')
}
field() { printf '%s' "$answer" | jq --raw-output "$1"; }

# A session, or a place in the queue that is kept by asking again.
acquire() {
  while :; do
    call /v1/acquire "$(jq --null-input --arg pool "$pool" --arg client "$client" '$ARGS.named')"
    case $status in
      200 | 202) hold=$(field .hold) ;;
      *) field .detail >&2; return 1 ;;
    esac
    [ "$status" = 202 ] || break
    echo "place $(field .place) in the queue: $(field .why)" >&2
    sleep "$ask_every"
  done
  session=$(field .session)
}

# Says that the session is used. Where it is no more, the hold has a successor, which acquire tells.
heartbeats() {
  while :; do
    call /v1/touch "$(jq --null-input --arg target "$session" '$ARGS.named')"
    [ "$status" = 200 ] || acquire
    sleep "$touch_every"
  done
}

hold= heart=
give_back() {
  [ -z "$heart" ] || kill "$heart" 2>/dev/null || :
  [ -z "$hold" ] ||
    call /v1/release "$(jq --null-input --arg hold "$hold" --arg client "$client" '$ARGS.named')"
}
trap give_back EXIT
trap 'exit 130' INT TERM

acquire
RENDERING_HOST=$(field .address.hostname)
RENDERING_PORT=$(field .address.handshake_port)
export RENDERING_HOST RENDERING_PORT
heartbeats >/dev/null &
heart=$!
"$@"
