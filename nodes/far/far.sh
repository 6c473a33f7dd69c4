#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What a machine without an agent does for one: runs on the far side of ssh, in any POSIX shell.
# A step is a folder: `script` is run once, detached, in a session of its own; `log` is what it
# printed, `exit` its exit code once it is over. Whoever is cut off asks again.
#   0 done   3 not yet   4 goes on   5 the step was lost   other: an error, told on standard error
set -u
umask 022
do=$1
shift

# The boot that this is, as far as the system tells: a process id of another one means nothing.
boot() {
  cat /proc/sys/kernel/random/boot_id 2>/dev/null || sysctl -n kern.boottime 2>/dev/null || :
}

# A command in a session of its own, so that a signal reaches all of it and no hang-up does.
detached() {
  if command -v setsid >/dev/null 2>&1; then
    nohup setsid "$@" </dev/null >/dev/null 2>&1 &
  elif command -v perl >/dev/null 2>&1; then
    nohup perl -e 'use POSIX; POSIX::setsid(); exec @ARGV' "$@" </dev/null >/dev/null 2>&1 &
  else
    nohup python3 -c 'import os, sys; os.setsid(); os.execvp(sys.argv[1], sys.argv[1:])' "$@" \
      </dev/null >/dev/null 2>&1 &
  fi
}

# Says it once and whole: a reader never sees half of it.
tell() {
  echo "$2" >"$1.$$" && mv -f "$1.$$" "$1"
}

runs() {
  [ -e "$1/pid" ] && [ "$(cat "$1/boot")" = "$(boot)" ] && kill -0 "$(cat "$1/pid")" 2>/dev/null
}

lost() {
  [ -e "$1/begun" ] || return 1
  [ -e "$1/pid" ] || { sleep 2; [ -e "$1/pid" ] || [ -e "$1/exit" ] || return 0; }
  runs "$1" && return 1
  [ ! -e "$1/exit" ]
}

# `$3` bytes of the file from the `$2`th on, and not those that come after: of whole blocks, and of
# parts of them byte by byte (through a pipe a block may come in pieces).
part_of_block() {
  [ "$3" -eq 0 ] || dd if="$1" bs=4096 skip="$(($2 / 4096))" count=1 2>/dev/null \
    | dd ibs=1 obs=4096 skip="$(($2 % 4096))" count="$3" 2>/dev/null
}
bytes() {
  to=$(($2 + $3)) whole=$((($2 + 4095) / 4096)) end=$((($2 + $3) / 4096))
  if [ "$whole" -gt "$end" ]; then
    part_of_block "$1" "$2" "$3"
    return
  fi
  part_of_block "$1" "$2" "$((whole * 4096 - $2))" || return
  [ "$end" -eq "$whole" ] \
    || dd if="$1" bs=4096 skip="$whole" count="$((end - whole))" 2>/dev/null || return
  part_of_block "$1" "$((end * 4096))" "$((to - end * 4096))"
}

end_step() {
  if mkdir "$1/begun" 2>/dev/null; then
    tell "$1/exit" 143 # it will never start
    return
  fi
  left=$2
  if ! [ -e "$1/exit" ] && runs "$1"; then
    kill -TERM "-$(cat "$1/pid")" 2>/dev/null
    while [ "$left" -gt 0 ] && ! [ -e "$1/exit" ]; do
      sleep 1
      left=$((left - 1))
    done
  fi
  runs "$1" && kill -KILL "-$(cat "$1/pid")" 2>/dev/null
  [ -e "$1/exit" ] || tell "$1/exit" 137
}

case $do in
ready) # WORKSPACE
  [ -e "$1/ready" ] || exit 3
  ;;
fill) # WORKSPACE < tar with work, out, tmp and, as its last entry, whole
  rm -rf "$1/fresh" "$1/work" "$1/out" "$1/tmp" && mkdir "$1/fresh" || exit 1
  (cd "$1/fresh" && tar xf -) || exit 1
  [ -e "$1/fresh/whole" ] || exit 3
  mv "$1/fresh/work" "$1/fresh/out" "$1/fresh/tmp" "$1" && : >"$1/ready"
  ;;
begin) # STEP BYTES SECONDS < script: takes it and starts it, once however often this is said
  mkdir -p "$1" || exit 1
  cat >"$1/script.$$"
  [ "$(wc -c <"$1/script.$$")" -eq "$2" ] || { rm -f "$1/script.$$"; exit 3; }
  mkdir "$1/begun" 2>/dev/null || { rm -f "$1/script.$$"; exit 0; } # by a try before this one
  mv -f "$1/script.$$" "$1/script"
  : >"$1/log"
  detached sh "$0" watch "$1"
  detached sh "$0" deadline "$1" "$3"
  ;;
watch) # STEP, in a session of its own
  trap : TERM HUP INT
  boot >"$1/boot"
  tell "$1/pid" $$
  sh "$1/script" </dev/null >"$1/log" 2>&1 &
  child=$!
  while wait "$child"; code=$?; kill -0 "$child" 2>/dev/null; do :; done
  trap '' TERM HUP INT
  kill -TERM "-$$" 2>/dev/null # whoever is left of the step
  tell "$1/exit" "$code"
  kill -KILL "-$$"
  ;;
deadline) # STEP SECONDS: ends the step also when nobody can reach this machine any more
  left=$2
  while [ "$left" -gt 0 ]; do
    [ -e "$1/exit" ] || ! [ -d "$1" ] && exit 0
    sleep 5
    left=$((left - 5))
  done
  [ -e "$1/exit" ] || ! [ -d "$1" ] || end_step "$1" 10
  ;;
follow) # STEP OFFSET: the log from there, until nothing has come for long or the step is over;
  # then its exit code, on standard error
  step=$1 at=$2 idle=0
  while [ "$idle" -lt 120 ]; do
    over=
    [ -e "$step/exit" ] && over=1 # looked at first: what was printed is in the log by then
    size=$(($(wc -c <"$step/log")))
    if [ "$size" -gt "$at" ]; then
      bytes "$step/log" "$at" "$((size - at))" || exit 1
      at=$size idle=0
    elif [ -n "$over" ]; then
      echo "exit $(cat "$step/exit")" >&2
      exit 0
    elif [ "$((idle % 10))" -eq 9 ] && lost "$step"; then
      exit 5
    else
      idle=$((idle + 1))
      sleep 0.5 2>/dev/null || sleep 1
    fi
  done
  exit 4
  ;;
kill) # STEP SECONDS OF GRACE
  [ -d "$1" ] || exit 0
  end_step "$1" "$2"
  ;;
bring) # WORKSPACE PATTERN...: what lies in out, and files of work that match
  cd "$1" 2>/dev/null || exit 3
  shift
  list=bring.$$
  echo out >"$list"
  for pattern in "$@"; do
    find work -type f -path "work/$pattern"
  done | sort -u >>"$list"
  tar cf - -T "$list"
  code=$?
  rm -f "$list"
  exit "$code"
  ;;
clean) # WORKSPACE
  [ -d "$1" ] || exit 0
  for step in "$1"/steps/*; do
    [ -d "$step" ] && end_step "$step" 2
  done
  chmod -R u+rwx "$1" 2>/dev/null
  rm -rf "$1"
  ;;
esac
