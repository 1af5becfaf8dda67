#!/usr/bin/env bash
# Unpacks the Electrum wallet (4.8, which speaks protocol 1.6; Debian trixie-backports) with a Python
# environment of its own. Usage: get-electrum.sh [DIR]; the program is then DIR/bin/electrum.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/debian.sh"

dir=${1:-${ELECTRODE_CACHE:-$HOME/.cache/electrode}/electrum}
already "$dir/bin/electrum" --offline version

need python3 -m ensurepip --version
unpack "$dir/root" \
  electrum python3-electrum python3-electrum-ecc python3-electrum-aionostr libsecp256k1-2
python3 -m venv --clear "$dir/venv"
"$dir/venv/bin/pip" -q --disable-pip-version-check install \
  aiohttp aiohttp_socks aiorpcx attrs certifi cryptography dnspython jsonpatch jsonschema \
  'protobuf>=3.20' qrcode
launcher "$dir/bin/electrum" "root='$dir/root/usr'
export LD_LIBRARY_PATH=\"\$root/lib/x86_64-linux-gnu\" PYTHONPATH=\"\$root/lib/python3/dist-packages\"
exec '$dir/venv/bin/python' \"\$root/bin/electrum\" \"\$@\""
"$dir/bin/electrum" --offline version
