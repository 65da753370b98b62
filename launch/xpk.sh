#!/usr/bin/env bash
# Train on a GKE cluster that xpk has made, with restarts.
#
#   CLUSTER=NAME IMAGE=REGISTRY/jtr_jax:tpu TPU_TYPE=v5litepod-16 \
#     launch/xpk.sh WORKLOAD --config=configs/nyu_jtr.py --workdir=gs://BUCKET/run
#
# XPK_FLAGS are for xpk itself, such as --project, --zone, --num-slices=2,
# --dry-run. Exit code 1 of the program ends all; after 75 and all above 126, which
# xpk adds by itself, the pods start again.
set -euo pipefail

: "${1:?usage: launch/xpk.sh WORKLOAD --config=FILE --workdir=gs://BUCKET/PATH}"
: "${CLUSTER:?name of the cluster}"
: "${IMAGE:?of launch/Dockerfile, with EXTRAS=program,tpu,gcs}"
: "${TPU_TYPE:?such as v5litepod-16}"
: "${MOST_RESTARTS:=100}"
: "${XPK_FLAGS:=}"

workload=$1
shift
read -r -a flags <<<"$XPK_FLAGS"

exec xpk workload create \
  --cluster="$CLUSTER" \
  --workload="$workload" \
  --tpu-type="$TPU_TYPE" \
  --docker-image="$IMAGE" \
  --max-restarts="$MOST_RESTARTS" \
  --restart-on-exit-codes=75 \
  --termination-grace-period-seconds=180 \
  --command="python -m jtr_jax.main $(printf '%q ' "$@")" \
  ${flags[@]+"${flags[@]}"}
