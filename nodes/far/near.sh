# SPDX-License-Identifier: Apache-2.0
# One step on a far machine, driven from here by ssh: its output is the step's, byte for byte, its
# exit code the step's. Above stand: SSH (the call), TOOLS, WORKSPACE, STEP (folders over there),
# LOCAL (the workspace here), NOTES (this attempt's folder here), SECONDS_MAX, GRACE.
exec 2>"$NOTES/shell" # what a shell says of its children is not the step's
stop=
trap 'stop=1' TERM INT HUP

# `ssh` itself ends with 255 when there is no connection; by a signal when this step is ended.
far() {
  $SSH "$1"
}

pause=1
rest() {
  sleep "$pause" &
  wait $!
  [ "$pause" -ge 30 ] || pause=$((pause * 2))
}

# A command of the far side that may be said again, until it has an answer.
again() {
  while :; do
    "$@" 2>"$NOTES/errors"
    code=$?
    case $code in
    255 | 129 | 13? | 14?) ;;
    *) pause=1; return "$code" ;;
    esac
    [ -n "$stop" ] && return 255
    rest
  done
}

end_it() {
  trap '' TERM INT HUP
  for try in 1 2 3; do
    far "sh $TOOLS kill $STEP $GRACE" 2>"$NOTES/errors" </dev/null && break
    sleep 1
  done
}

fail() {
  if [ -n "$stop" ]; then
    end_it
    exit 143
  fi
  said=$(tail -n 1 "$NOTES/errors" 2>/dev/null)
  echo "$1${said:+: $said}" >"$NOTES/lost" # nobody's failure: it is read as the reason
  exit 1
}

put_tools() {
  far "sh -c 'mkdir -p $WORKSPACE/steps && cat >$TOOLS.\$\$ && test \`wc -c <$TOOLS.\$\$\` -eq $TOOLS_BYTES && mv -f $TOOLS.\$\$ $TOOLS && sh $TOOLS ready $WORKSPACE'" <"$NOTES/far.sh"
}
fill() {
  (cd "$LOCAL" && tar cf - work out tmp -C "$NOTES" whole) | far "sh $TOOLS fill $WORKSPACE"
}
begin() {
  far "sh $TOOLS begin $STEP $SCRIPT_BYTES $SECONDS_MAX" <"$NOTES/script"
}

# More of the log; leaves the call's exit code in NOTES/code, the bytes that came in NOTES/count.
follow() {
  {
    far "sh $TOOLS follow $STEP $at" </dev/null 2>"$NOTES/errors"
    echo $? >"$NOTES/code"
  } | (trap '' TERM INT HUP; LC_ALL=C exec dd bs=65536 2>"$NOTES/count")
  at=$((at + $(sed -n 's/^\([0-9]*\) byte.*/\1/p' "$NOTES/count")))
}

again put_tools
case $? in
0) ;;
3) again fill || fail "the far machine does not take the workspace" ;;
*) fail "the far machine does not take its tools" ;;
esac
again begin || fail "the far machine does not take the step"

at=0
while :; do
  follow
  code=$(cat "$NOTES/code" 2>/dev/null)
  [ -n "$stop" ] && break
  case $code in
  0) break ;;
  4) pause=1 ;;
  5) fail "keeper lost: the far machine lost the step while it ran, by a restart or by hand" ;;
  *) rest ;;
  esac
  [ -n "$stop" ] && break
done
if [ -n "$stop" ]; then
  end_it
  follow
  exit 143
fi
ended=$(sed -n 's/^exit \([0-9][0-9]*\)$/\1/p' "$NOTES/errors")
[ -n "$ended" ] || fail "the far machine does not tell how the step ended"
exit "$ended"
