# shellcheck shell=bash
# Sourced by the get-*.sh beside it: unpacks Debian packages into a folder and leaves the system's
# own packages alone.

suite=trixie
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

# Ends the script when what it would install is there and runs.
already() {
  if "$@" >/dev/null 2>&1; then
    "$@" | head -n 1
    exit 0
  fi
}

# need COMMAND…: ends the script where the running system lacks what .ci/setup tests installs.
need() {
  "$@" >/dev/null 2>&1 || {
    echo "electrode: '$*' fails: .ci/setup tests installs what it needs" >&2
    exit 69
  }
}

# Prints the mirror of Debian that this machine uses.
mirror() {
  local known
  known=$(apt-get --print-uris update | sed -nE "s#^'(https?://.*/debian)/dists/.*#\1#p" | head -n 1) || true
  echo "${DEBIAN_MIRROR:-${known:-http://deb.debian.org/debian}}"
}

# unpack DEST PACKAGE…: downloads from $suite-backports, else $suite, with an apt state of its own.
unpack() {
  local dest=$1
  shift
  need test -r "$keyring"
  local state from
  state=$(mktemp -d)
  from=$(mirror)
  mkdir -p "$state"/lists/partial "$state"/cache/archives/partial "$dest"
  : >"$state/status"
  for pocket in "$suite" "$suite-backports"; do
    echo "deb [signed-by=$keyring] $from $pocket main"
  done >"$state/sources.list"
  local apt=(
    apt-get -qq
    -o "Dir::State=$state"
    -o "Dir::State::status=$state/status"
    -o "Dir::State::lists=$state/lists"
    -o "Dir::Cache=$state/cache"
    -o "Dir::Etc::sourcelist=$state/sources.list"
    -o Dir::Etc::sourceparts=/dev/null
    -o APT::Sandbox::User=root
  )
  "${apt[@]}" update
  (cd "$state" && "${apt[@]}" -t "$suite-backports" download "$@")
  local package
  for package in "$state"/*.deb; do
    dpkg -x "$package" "$dest"
  done
  rm -rf "$state"
}

# launcher FILE BODY: writes a script that must `exec`, so that its process id is the program's.
launcher() {
  mkdir -p "$(dirname "$1")"
  printf '#!/bin/sh\n%s\n' "$2" >"$1"
  chmod +x "$1"
}
