#!/usr/bin/env bash
# usage: nightly.sh CONFIG [HOW LONG]
# One night of a run. What the run says goes to a log beside it; what this prints is for whoever reads cron's mail.
set -uo pipefail
config=${1:?nightly.sh CONFIG [HOW LONG]}
stop_after=${2:-7h30m}
home=${BLOCKFORGE_HOME:-/opt/blockforge}
runs=${BLOCKFORGE_RUNS:-/srv/blockforge/runs}
# cron's PATH is /usr/bin:/bin: add where node, and with a GPU nvidia-smi, are.
export PATH="$PATH:/usr/local/bin"

name=$(basename "$config")
mkdir -p "$runs/logs"
log="$runs/logs/${name%.*}-$(date +%F).log"

# Not through npm, which would stand between a signal and the run.
node "$home/scripts/start.js" "$home/pipeline/cli/main.ts" run --config "$config" --runs "$runs" \
  --stop-after "$stop_after" --log-format json >>"$log" 2>&1
code=$?

case $code in
  0) ;;
  75) ;; # Stopped with work left: the next night goes on.
  6) echo "$name: last night's run is still at work, or somebody's own; left alone" ;;
  *)
    echo "$name: ended with exit code $code; the end of $log:"
    tail -n 20 "$log"
    exit "$code"
    ;;
esac
