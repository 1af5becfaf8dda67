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

# Installs packages of the running system that a command needs: need COMMAND PACKAGE…
need() {
  local command=$1
  shift
  if eval "$command" >/dev/null 2>&1; then return; fi
  local root=()
  [ "$(id -u)" = 0 ] || root=(sudo)
  "${root[@]}" apt-get -qq update
  "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends "$@" >/dev/null
}

# unpack DEST PACKAGE…: downloads from $suite-backports, else $suite, with an apt state of its own.
unpack() {
  local dest=$1
  shift
  need "test -r $keyring" debian-archive-keyring
  local state mirror
  state=$(mktemp -d)
  mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
  mkdir -p "$state"/lists/partial "$state"/cache/archives/partial "$dest"
  : >"$state/status"
  for pocket in "$suite" "$suite-backports"; do
    echo "deb [signed-by=$keyring] $mirror $pocket main"
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
