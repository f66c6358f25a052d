#!/bin/bash
# One run on Slurm: sbatch deploy/slurm.sh configs/runs/cluster.yaml
# SHARED is a folder that all nodes see. The environment (`make setup EXTRA=gpu`) stands there too, or where VENV says.
#SBATCH --job-name=polydistill
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=1
#SBATCH --exclusive
#SBATCH --gpus-per-node=8
#SBATCH --time=24:00:00
#SBATCH --signal=B:TERM@600
#SBATCH --no-kill
#SBATCH --requeue
#SBATCH --open-mode=append
set -euo pipefail

run=${1:?usage: sbatch deploy/slurm.sh RUN.yaml}
SHARED=${SHARED:-/shared/polydistill}
source "${VENV:-$SHARED/.venv}/bin/activate"

export HF_HOME=${HF_HOME:-$SHARED/cache/huggingface}
export POLYDISTILL_CACHE=${POLYDISTILL_CACHE:-$SHARED/cache/polydistill}
export CUDA_CACHE_PATH=${CUDA_CACHE_PATH:-$SHARED/cache/cuda}
export RAY_USAGE_STATS_ENABLED=0
export RAY_SYMMETRIC_RUN_CLUSTER_WAIT_TIMEOUT=300  # seconds that the nodes wait for each other

# A token for this job alone. Without one, anybody who reaches Ray's ports can run code on the nodes.
job=$SHARED/jobs/$SLURM_JOB_ID
(umask 077 && mkdir -p "$job" && python -c 'import secrets; print(secrets.token_hex(32), end="")' > "$job/token")
export RAY_AUTH_MODE=token RAY_AUTH_TOKEN_PATH=$job/token
export DRIVER=$job/driver.pid
rm -f "$DRIVER"

# This script runs on the job's first node, which becomes Ray's head. HEAD_IP chooses among several networks.
address=${HEAD_IP:-$(hostname --all-ip-addresses | cut -d ' ' -f 1)}:$((20000 + SLURM_JOB_ID % 10000))

# Slurm signals this script alone, ten minutes before the end. The driver stops in order while Ray still runs, and
# symmetric-run then ends Ray on every node.
stopping=
stop() {
    stopping=1
    if [ -s "$DRIVER" ]; then kill -TERM "$(cat "$DRIVER")"; fi
}
trap stop TERM

# symmetric-run hands its options to `ray start` on the head and on the others, so they must suit both.
# shellcheck disable=SC2016
srun --no-kill --kill-on-bad-exit=0 ray symmetric-run \
    --address "$address" \
    --min-nodes "$SLURM_JOB_NUM_NODES" \
    --metrics-export-port=8080 \
    -- bash -c 'echo $$ > "$DRIVER" && exec polydistill run "$0" --address "$1"' "$run" "$address" &
started=$!

# A signal ends `wait`, so it is asked until srun itself has ended.
code=0
wait "$started" || code=$?
while kill -0 "$started" 2> /dev/null; do
    code=0
    wait "$started" || code=$?
done
rm -rf "$job"

if [ -n "$stopping" ] && [ "$code" -ne 0 ]; then scontrol requeue "$SLURM_JOB_ID"; fi  # the run goes on later
exit "$code"
