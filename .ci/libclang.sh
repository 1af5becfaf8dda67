# shellcheck shell=bash
# Sourced by setup: which libclang bindgen will load, and whether it finds the headers of clang.
# bindgen takes the one of the highest version that it finds, also where another one is whole.

# Prints the libclang that bindgen loads; nothing where it finds none.
chosen_libclang() {
  if [ -f "${LIBCLANG_PATH:-}" ]; then
    libclangs 1 "$(dirname "$LIBCLANG_PATH")" | grep -Fx "$LIBCLANG_PATH" || true
  elif [ -n "${LIBCLANG_PATH:-}" ]; then
    libclangs 1 "$LIBCLANG_PATH" | newest
  else
    local prefix named=()
    prefix=$("${LLVM_CONFIG_PATH:-llvm-config}" --prefix 2>/dev/null || true)
    IFS=: read -ra named <<<"${LD_LIBRARY_PATH:-}:${LIBRARY_PATH:-}"
    {
      [ -z "$prefix" ] || libclangs 1 "$prefix"/bin "$prefix"/lib "$prefix"/lib64
      libclangs 1 "${named[@]}"
      libclangs 1 /usr/local/llvm*/lib*
      libclangs 3 /usr/local/lib* /usr/lib*
    } | newest
  fi
}

# libclangs DEPTH DIR…: prints those in folders; libclang-cpp, the library of C++ programs, is none.
libclangs() {
  local depth=$1 dir
  shift
  for dir; do
    [ ! -d "$dir" ] || find -L "$dir" -maxdepth "$depth" -type f \
      \( -name 'libclang.so*' -o -name 'libclang-*.so*' \) ! -name '*-cpp.*' 2>/dev/null || true
  done
}

# Prints the last of those with the highest version.
newest() {
  local file version
  while read -r file; do
    version=$(libclang_version "$file")
    echo "${version:-0} $file"
  done | sort -n | tail -n 1 | cut -d' ' -f2-
}

# Prints the number in the name of a libclang: 14 for libclang-14.so.1, nothing for libclang.so.
libclang_version() {
  basename "$1" | sed -nE 's/^libclang(-|\.so\.)([0-9]+).*/\2/p'
}

# Tells whether a libclang has the headers of its compiler, such as stddef.h, where it looks for
# them; where there is a clang to run, bindgen asks that for them.
has_clang_headers() {
  [ -z "${BINDGEN_EXTRA_CLANG_ARGS:-}" ] || return 0
  ! compgen -c clang | grep -qxE 'clang(-[0-9]+)?' || return 0
  local dir version
  version=$(libclang_version "$1")
  for dir in "$(dirname "$1")" "$(dirname "$(realpath "$1")")" "/usr/lib/llvm-$version/lib"; do
    for headers in "$dir/clang" "$dir/../lib/clang"; do
      ! compgen -G "$headers/${version:-*}*/include/stddef.h" >/dev/null || return 0
    done
  done
  return 1
}
