#!/bin/sh
# Runs a command as part of a step and notes, outside the farm, that it ran and what it printed.
# SPDX-License-Identifier: Apache-2.0
#
#   witness.sh FOLDER COMMAND...
#
# Appends "start|end BUILDER HOST STEP ATTEMPT PID START_TICKS CODE" to FOLDER/witness; what the
# command prints goes to the step's log, and a copy to FOLDER/BUILDER.HOST.STEP.log.
folder="$1"
shift
copy="$folder/$DROVER_BUILDER.$DROVER_HOST.$DROVER_STEP.log"
# When the process started, which tells it from a later one with the same number.
ticks=$(sed 's/.*) //' "/proc/$$/stat" | cut -d' ' -f20)
note() {
  printf '%s %s %s %s %s %s %s %s\n' "$1" "$DROVER_BUILDER" "$DROVER_HOST" "$DROVER_STEP" \
    "$DROVER_ATTEMPT" "$$" "$ticks" "$2" >> "$folder/witness"
}
note start -
exec 4>&1
# The command's exit code travels by descriptor 3, around the pipe.
code=$({ { sh -c "$*" 2>&1; echo $? >&3; } | tee -a "$copy" >&4; } 3>&1)
note end "$code"
exit "$code"
