#!/usr/bin/env bash
# How much memory the daemon holds at rest with 100 sessions: benches/memory.sh [BINARY]
set -euo pipefail
binary=$(realpath "${1:-target/release/leasekeeper}")
folder=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null; rm -rf "$folder"' EXIT
cd "$folder"
echo a-key >key
account=7c1f9c5e-1111-4a5b-9a55-0123456789ab
"$binary" serve --listen 127.0.0.1:0 --boot-delay 0s --account "$account:key" >serve.log &
until endpoint=$(sed -n 's/^listening on //p' serve.log) && [ -n "$endpoint" ]; do sleep 0.1; done
cat >policy.toml <<TOML
owner = "bench"
ledger = "$folder/ledger.db"
service = { endpoint = "$endpoint", account_id = "$account" }
auth = { method = "account-key", key_file = "$folder/key" }
control = { socket = "$folder/control.sock" }
reconcile = { interval = "5s" }
prices = { standard = "2.99" }
budget = { daily = "100000" }
[[pool]]
name = "pool"
min = 100
max = 100
TOML
"$binary" run --policy policy.toml 2>run.log &
daemon=$!
ready() { "$binary" --socket control.sock status 2>/dev/null | grep -c ' Ready ' || true; }
until [ "$(ready)" = 100 ]; do sleep 0.5; done
# A dozen passes at rest.
sleep 60
grep -E '^(VmRSS|VmHWM|RssAnon|RssFile)' "/proc/$daemon/status"
