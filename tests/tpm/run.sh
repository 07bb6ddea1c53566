#!/usr/bin/env bash
# A TPM 2.0 in software, a resource manager, the PKCS#11 module over both: then the tests.
# Nightly, not in every run. Debian: swtpm tpm2-abrmd libtpm2-pkcs11-1 libtpm2-pkcs11-tools dbus
# Start it with: make tpm
set -euo pipefail
for tool in swtpm tpm2-abrmd tpm2_ptool dbus-run-session; do
  command -v "$tool" >/dev/null || { echo "make tpm needs $tool"; exit 2; }
done
if [ -z "${ESIGN_KIT_TPM_BUS:-}" ]; then
  ESIGN_KIT_TPM_BUS=1 exec dbus-run-session -- bash "$0" "$@"
fi

work="$(mktemp -d)"
mkdir "$work/state" "$work/store"
# Any free pair of ports: the control channel is the port after the server's.
port=$(( 20000 + $$ % 20000 ))
swtpm socket --tpm2 --tpmstate dir="$work/state" --flags not-need-init,startup-clear \
  --server type=tcp,port=$port --ctrl type=tcp,port=$((port + 1)) >"$work/swtpm.log" 2>&1 &
tpm=$!
manager=""
trap 'kill $tpm $manager 2>/dev/null || true; rm -rf "$work"' EXIT
sleep 1
# Without the resource manager a second key finds no room in the TPM.
tpm2-abrmd --session --allow-root --tcti="swtpm:host=127.0.0.1,port=$port" >"$work/manager.log" 2>&1 &
manager=$!
sleep 2

export TPM2_PKCS11_STORE="$work/store" TPM2_PKCS11_LOG_LEVEL=0
export TPM2_PKCS11_TCTI=tabrmd:bus_type=session TPM2TOOLS_TCTI=tabrmd:bus_type=session
ptool() { tpm2_ptool "$@" --path "$work/store" >>"$work/ptool.log"; }
ptool init
ptool addtoken --pid 1 --sopin 4321 --userpin 1234 --label esign
ptool addkey --label esign --userpin 1234 --algorithm ecc256 --key-label ec
ptool addkey --label esign --userpin 1234 --algorithm rsa2048 --key-label rsa

module=""
for place in /usr/lib/*/pkcs11/libtpm2_pkcs11.so /usr/lib*/pkcs11/libtpm2_pkcs11.so; do
  [ -e "$place" ] && module="$place"
done
[ -n "$module" ] || { echo "make tpm needs libtpm2_pkcs11.so"; exit 2; }
export ESIGN_KIT_TPM_MODULE="$module"
timeout 300 "${PYTHON:-python3}" -m pytest -q tests/tpm
