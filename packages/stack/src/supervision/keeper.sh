#!/bin/sh
# keeper.sh STOP_SIGNAL GRACE_SECONDS COMMAND [ARGUMENT…]
# Runs COMMAND and stops it when stdin closes, which happens when the supervisor ends, even by kill -9. It is started as
# the leader of its own process group, so Ctrl-C in the terminal does not reach it. It writes the command's process id to
# descriptor 3 and exits with the command's exit status.
stop_signal=$1
grace_seconds=$2
shift 2

exec 4<&0
"$@" </dev/null 3>&- 4<&- &
command_pid=$!
echo "$command_pid" >&3
exec 3>&-

(
  read -r _ <&4
  kill -s "$stop_signal" "$command_pid" 2>/dev/null
  sleep "$grace_seconds"
  kill -s KILL -- -$$
) &
watcher_pid=$!

wait "$command_pid"
status=$?
kill -s KILL "$watcher_pid" 2>/dev/null
# Stops the watcher's `sleep`, which is in this process group, and any process that COMMAND left behind.
trap '' TERM
kill -s TERM -- -$$ 2>/dev/null
exit "$status"
