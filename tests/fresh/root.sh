# shellcheck shell=bash
# Sourced by the scripts beside it: a Debian that has next to nothing, to try things as on a machine
# that was never used. Root only.
#
# $fresh/base is made once by debootstrap and kept; $fresh/root is a copy for one run. Whatever runs
# in it has namespaces of its own for mounts and processes, so nothing is left behind when this ends
# or is killed.

# Sent where this machine cannot do it at all.
readonly CANNOT=75
readonly SUITE=bookworm

checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cache=${ELECTRODE_CACHE:-$HOME/.cache/electrode}
fresh=$cache/fresh
root=$fresh/root
log=$fresh/log

# How commands in the root find programs, and the network as this machine does.
environment=(PATH=/opt/rust/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8)
for name in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY DEBIAN_MIRROR; do
  [ -z "${!name:-}" ] || environment+=("$name=${!name}")
done

cannot() {
  echo "electrode: not tried on a bare machine: $*" >&2
  exit "$CANNOT"
}

fail() {
  echo "electrode: on a bare machine: $*" >&2
  [ ! -s "$log" ] || { echo "--- the end of $log" && tail -n 40 "$log"; } >&2
  exit 1
}

# Says what is done, and how long what was done before took.
step() {
  [ -z "${step_name:-}" ] || echo "   $((SECONDS - step_start)) s"
  step_name=$1 step_start=$SECONDS
  [ -z "$1" ] || echo "== $1"
}

# bare_machine ARGUMENT…: runs this script again, with --within in front of its arguments, where the
# root is there and can be mounted into; removes the root afterwards, however that ends.
bare_machine() {
  [ "$(id -u)" = 0 ] || cannot 'only root can make one'
  mkdir -p "$fresh"
  exec 9>"$fresh/lock"
  flock --nonblock 9 || cannot 'another run is under way'
  # What a run left that was killed.
  remove_root
  command -v debootstrap >/dev/null || get_debootstrap
  unshare --mount --pid --fork --propagation private mount --bind / / 2>"$fresh/why" ||
    cannot "the system does not let it mount: $(cat "$fresh/why")"
  make_base
  cp --archive --reflink=auto "$fresh/base" "$root"
  : >"$log"
  unshare --mount --pid --fork --kill-child --propagation private \
    "$BASH" "$0" --within "$@" &
  local inside=$! status=0
  # The processes in there end with it.
  trap 'kill -KILL "$inside" 2>/dev/null; wait; remove_root; exit 130' INT TERM HUP
  wait "$inside" || status=$?
  trap - INT TERM HUP
  remove_root
  return "$status"
}

remove_root() {
  # Nothing is mounted in it as this process sees it, and what would be is left alone.
  rm -rf --one-file-system "$root"
}

get_debootstrap() {
  command -v apt-get >/dev/null || cannot 'debootstrap is missing'
  echo 'electrode: installing debootstrap'
  { apt-get -qq update && apt-get -qq install --no-install-recommends debootstrap; } >/dev/null ||
    cannot 'apt-get cannot install debootstrap'
}

make_base() {
  [ ! -d "$fresh/base" ] || return 0
  . "$checkout/tests/daemons/debian.sh"
  echo "electrode: making a bare Debian $SUITE, once"
  rm -rf --one-file-system "$fresh/unfinished"
  debootstrap --variant=minbase --include=ca-certificates,make,git "$SUITE" "$fresh/unfinished" \
    "$(mirror)" >"$log" 2>&1 || fail 'debootstrap cannot make it'
  mv "$fresh/unfinished" "$fresh/base"
}

# Mounts what a running system has, and lends the root this machine's way to the network.
furnish() {
  mount -t proc proc "$root/proc"
  mount --rbind /dev "$root/dev"
  cp /etc/resolv.conf /etc/hosts "$root/etc/"
  cp -r --dereference /etc/ssl/certs/. "$root/etc/ssl/certs/" 2>/dev/null || true
  [ ! -f /etc/pip.conf ] || cp /etc/pip.conf "$root/etc/"
  apt-config dump | grep -E '^Acquire::(Check|https?::)' >"$root/etc/apt/apt.conf.d/99host" || true
}

# lend_rust: the toolchain in use, and nothing of rustup.
lend_rust() {
  local sysroot
  sysroot=$(rustc --print sysroot) || cannot 'there is no Rust to lend it'
  [ "$sysroot" != /usr ] || cannot 'its Rust is part of the system: lend it one of rustup'
  mkdir "$root/opt/rust"
  mount --bind -o ro "$sysroot" "$root/opt/rust"
}

# within USER COMMAND: runs a shell command in the root, at the home of a user.
within() {
  local home
  home=$(home_of "$1")
  chroot --userspec="$1:$1" --groups= "$root" /usr/bin/env --ignore-environment \
    --chdir="$home" HOME="$home" USER="$1" "${environment[@]}" bash -euo pipefail -c "$2"
}

home_of() {
  chroot "$root" getent passwd "$1" | cut -d: -f6
}

# install_packages PACKAGE…, as the root of the machine.
install_packages() {
  within root "apt-get -qq update && DEBIAN_FRONTEND=noninteractive \
    apt-get -qq --yes install --no-install-recommends $* >/dev/null" >>"$log" 2>&1 ||
    fail "apt-get cannot install $*"
}
