// SPDX-License-Identifier: Apache-2.0
#include "actors/core/canary.hpp"
#include "schema/limits_trust.hpp"

namespace drover::core {

namespace {

constexpr const char* compiler_script = R"(
for cc in cc gcc clang none; do command -v $cc > /dev/null 2>&1 && break; done
[ $cc = none ] && { echo "there is no C compiler here, nothing to look at"; exit 0; }
printf '#include <stdio.h>\n' > canary.c
cat >> canary.c <<'END'
int main(void) {
  double sum = 0;
  int i;
  for (i = 1; i <= 1000; i++)
    sum += 1.0 / i;
  printf("%.6f\n", sum);
  return 0;
}
END
$cc -o canary canary.c || { echo "$cc can't make a program"; exit 1; }
said=$(LC_ALL=C ./canary)
[ "$said" = 7.485471 ] || { echo "the program that $cc made says '$said', not 7.485471"; exit 1; }
echo "$cc makes programs that count right"
)";

constexpr const char* disk_script = R"(
dd if=/dev/zero bs=65536 count=128 2> dd.said | tr '\0' 'd' > written ||
  { cat dd.said; echo "can't write 8 MiB"; exit 1; }
said=$(cksum < written)
[ "$said" = "2057108137 8388608" ] ||
  { echo "what was written reads as '$said', not '2057108137 8388608'"; exit 1; }
for folder in . "${TMPDIR:-/tmp}"; do
  tool="$folder/canary-tool-$$"
  printf '#!/bin/sh\necho ran\n' > "$tool" && chmod +x "$tool" && ln -s "$tool" link-to-tool ||
    { echo "can't make files in $folder"; exit 1; }
  said=$("$tool"); mv "$tool" "$tool.moved" && rm -f "$tool.moved" link-to-tool
  [ "$said" = ran ] || { echo "programs in $folder can't be run"; exit 1; }
done
echo "8 MiB were written and read back the same, and files can be run"
)";

constexpr const char* sort_script = R"(
said=$(printf 'b\nB\na\nA\n10\n9\n' | LC_ALL=C sort | tr -d '\n')
[ "$said" = 109ABab ] || { echo "LC_ALL=C sort makes '$said', not '109ABab'"; exit 1; }
said=$(printf '%.1f' 1.5 2>&1)
[ "$said" = 1.5 ] || { echo "the locale of steps writes 1.5 as '$said'"; exit 1; }
said=$(sh -c : 2>&1)
[ -z "$said" ] || { echo "a shell that does nothing prints '$said'"; exit 1; }
echo "sorting and the locale are as everywhere"
)";

constexpr const char* checksum_script = R"(
text="The quick brown fox jumps over the lazy dog"
said=$(printf '%s' "$text" | cksum)
[ "$said" = "2074844392 43" ] || { echo "cksum says '$said', not '2074844392 43'"; exit 1; }
sum=d7a8fbb307d7809469ca9abcb0082e4f8d5651e46d3cdb762d02d0bf37c9e592
if command -v sha256sum > /dev/null 2>&1; then
  said=$(printf '%s' "$text" | sha256sum | cut -d ' ' -f 1)
  [ "$said" = $sum ] || { echo "sha256sum says '$said', not '$sum'"; exit 1; }
fi
said=$(awk 'BEGIN { for (i = 1; i <= 100000; i++) s += i * i; printf "%.0f", s }')
[ "$said" = 333338333350000 ] || { echo "awk counts to '$said', not 333338333350000"; exit 1; }
echo "checksums and sums of known data are right"
)";

std::string clock_script() {
  auto seconds = [](milliseconds time) { return std::to_string(time.count() / 1000); };
  return "now=$(date +%s)\nsince=$((now - FARM_TIME))\n[ $since -ge -"
         + seconds(limits::canary_clock_slow) + " ] && [ $since -le "
         + seconds(limits::canary_clock_fast)
         + " ] ||\n  { echo \"the clock says $since s since the farm asked\"; exit 1; }\n"
           "echo \"the clock says $since s since the farm asked\"\n";
}

step_spec small_step(std::string name, std::string script) {
  step_spec step;
  step.name = std::move(name);
  step.run = std::move(script);
  step.timeout = step.silence = limits::canary_step_timeout;
  step.always = true; // what differs is told in one go
  return step;
}

} // namespace

builder_spec shipped_canary() {
  builder_spec canary;
  canary.name = limits::shipped_canary_name;
  canary.canary = true;
  canary.steps = {small_step("compiler", compiler_script), small_step("clock", clock_script()),
                  small_step("disk", disk_script), small_step("sort", sort_script),
                  small_step("checksum", checksum_script)};
  return canary;
}

} // namespace drover::core
