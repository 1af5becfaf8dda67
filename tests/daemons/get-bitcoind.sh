#!/usr/bin/env bash
# Unpacks bitcoind (Bitcoin Knots, Debian trixie-backports) with every library it needs, so that it
# runs on older systems too. Usage: get-bitcoind.sh [DIR]; the program is then DIR/bin/bitcoind.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/debian.sh"

dir=${1:-${ELECTRODE_CACHE:-$HOME/.cache/electrode}/bitcoind}
already "$dir/bin/bitcoind" --version

packages=(
  bitcoin-knots
  libc6 libstdc++6 libgcc-s1
  libevent-core-2.1-7t64 libevent-extra-2.1-7t64 libevent-pthreads-2.1-7t64
  libsqlite3-0
  libzmq5 libsodium23 libpgm-5.3-0t64 libnorm1t64
  libgssapi-krb5-2 libkrb5-3 libk5crypto3 libkrb5support0 libcom-err2 libkeyutils1
  libbsd0 libmd0
)
unpack "$dir/root" "${packages[@]}"
for program in bitcoind bitcoin-cli; do
  launcher "$dir/bin/$program" "root='$dir/root/usr'
exec \"\$root/lib64/ld-linux-x86-64.so.2\" --library-path \"\$root/lib/x86_64-linux-gnu\" \"\$root/bin/$program\" \"\$@\""
done
"$dir/bin/bitcoind" --version | head -n 1
