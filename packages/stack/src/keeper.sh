#!/bin/sh
# keeper.sh STOP_SIGNAL GRACE_SECONDS COMMAND [ARGUMENT…]
# Runs COMMAND and ends it as soon as stdin closes, which is when the supervisor is gone, however it went: a kill -9 leaves
# nobody else to do it. Started as the leader of its own process group, so a Ctrl-C in the terminal does not reach it.
# Writes the command's process id to descriptor 3; ends with the command's exit status.
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
# The watcher may be in its `sleep`, which is of this group too; this line ends it together with what COMMAND left behind.
trap '' TERM
kill -s TERM -- -$$ 2>/dev/null
exit "$status"
