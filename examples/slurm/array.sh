#!/usr/bin/env bash
# usage: array.sh CONFIG [FOLDER]
# The jobs of a run as job arrays, one GPU each, stages behind stages. Given again, it submits what is still to be done.
set -euo pipefail
config=${1:?array.sh CONFIG [FOLDER]}
folder=${2:-slurm-$(basename "$config" .yaml)}
home=${BLOCKFORGE_HOME:-/opt/blockforge}

# FOLDER and the run folder have to be seen by all nodes.
node "$home/scripts/start.js" "$home/pipeline/cli/main.ts" plan --config "$config" --runs "${RUNS:-runs}" \
  --format slurm --out "$folder" --option=--partition=gpu --at-once 16
bash "$folder/submit.sh"
