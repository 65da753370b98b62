#!/usr/bin/env bash
# Train on a slice of Cloud TPU VMs, asked for again whenever it is taken away.
#
#   TPU_ZONE=us-west4-a TPU_TYPE=v5litepod-16 launch/tpu_vm.sh NAME \
#     --config=configs/nyu_jtr.py --workdir=gs://BUCKET/runs/nyu_jtr
#
# TPU_RUNTIME, TPU_FLAGS (such as --spot or --reserved) and MOST_STARTS are
# optional. The slice is deleted at the end, whatever the end is.
set -euo pipefail

: "${1:?usage: launch/tpu_vm.sh NAME --config=FILE --workdir=gs://BUCKET/PATH}"
: "${TPU_ZONE:?the zone, such as us-west4-a}"
: "${TPU_TYPE:?the slice, such as v5litepod-16}"
: "${TPU_RUNTIME:=v2-alpha-tpuv5-lite}"
: "${TPU_FLAGS:=}"
: "${MOST_STARTS:=100}"

name=$1
shift
here=$(cd "$(dirname "$0")/.." && pwd)
files=$(mktemp -d)
log=$files/log
read -r -a flags <<<"$TPU_FLAGS"

delete() {
  gcloud compute tpus queued-resources delete "$name" \
    --zone="$TPU_ZONE" --force --quiet || true
}


state() {
  gcloud compute tpus queued-resources describe "$name" \
    --zone="$TPU_ZONE" --format='value(state.state)'
}

everywhere() {
  gcloud compute tpus tpu-vm ssh "$name" \
    --zone="$TPU_ZONE" --worker=all --command="$1"
}

create() {
  gcloud compute tpus queued-resources create "$name" \
    --node-id="$name" --zone="$TPU_ZONE" --accelerator-type="$TPU_TYPE" \
    --runtime-version="$TPU_RUNTIME" ${flags[@]+"${flags[@]}"}
  until [ "$(state)" = ACTIVE ]; do
    case $(state) in
      FAILED | SUSPENDED) return 1 ;;
    esac
    sleep 30
  done
}

install() {
  git -C "$here" archive --format=tar.gz --output="$files/jtr_jax.tar.gz" HEAD
  gcloud compute tpus tpu-vm scp "$files/jtr_jax.tar.gz" "$name": \
    --zone="$TPU_ZONE" --worker=all
  everywhere 'mkdir -p jtr_jax && tar -xzf jtr_jax.tar.gz -C jtr_jax &&
    cd jtr_jax && python3 -m venv .venv &&
    .venv/bin/pip install -q -r requirements.lock &&
    .venv/bin/pip install -q -e ".[program,tpu,gcs]"'
}

# The exit code of ssh is not that of the command, so the command prints its own.
train() {
  everywhere "cd jtr_jax && .venv/bin/python -m jtr_jax.main $(printf '%q ' "$@");
    echo \"jtr_jax exit code: \$?\"" 2>&1 | tee "$log"
}

trap 'delete; rm -rf "$files"' EXIT
for ((start = 1; start <= MOST_STARTS; start++)); do
  if create && install && train "$@"; then
    if grep -q 'jtr_jax exit code: 1$' "$log"; then
      echo "Something is to be mended first; see above." >&2
      exit 1
    fi
    if ! grep 'jtr_jax exit code:' "$log" | grep -qv ': 0$'; then
      exit 0
    fi
  fi
  echo "Start $start has ended early; asking for the slice again." >&2
  delete
done
exit 75
