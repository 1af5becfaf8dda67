# shellcheck shell=bash disable=SC2154
# Sourced by the scripts beside it, after root.sh: the demo as a newcomer meets it.

# Longest time from what the demo proposes to the answer to that. Units: seconds.
readonly ANSWER=60

# start_demo USER COMMAND: in a group of its own, so that it can be ended as Ctrl-C does.
start_demo() {
  set -m
  within "$1" "$2" >>"$log" 2>&1 &
  demo=$!
  set +m
}

# await_proposal SECONDS: waits for the demo to propose a call; false if it ends before.
await_proposal() {
  local deadline=$((SECONDS + $1))
  until proposal=$(grep -m 1 -E ' call .*get_balance' "$log"); do
    kill -0 "$demo" 2>/dev/null || return 1
    [ "$SECONDS" -lt "$deadline" ] || fail "no demo after $1 s"
    sleep 0.2
  done
}

# try_demo USER: does what is proposed, and ends it; it may leave nothing behind.
try_demo() {
  local deadline=$((SECONDS + ANSWER)) answer
  until answer=$(within "$1" "$proposal" 2>>"$log"); do
    [ "$SECONDS" -lt "$deadline" ] || fail "no answer to: $proposal"
    sleep 0.2
  done
  echo "   a wallet is answered: $answer"
  grep -q '"confirmed":[1-9]' <<<"$answer" || fail 'that is no balance'
  kill -INT -- "-$demo"
  wait "$demo" || true
  ! within "$1" 'ls -d /tmp/.tmp*' >/dev/null 2>&1 || fail 'the demo leaves files behind'
}
