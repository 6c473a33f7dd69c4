// The scripts themselves: they ask `drover complete-words` and know nothing of their own.
// SPDX-License-Identifier: Apache-2.0
#include "tools/drover/completion.hpp"

namespace drover::cli {

namespace {

constexpr const char* bash_script =
  R"sh(# bash completion of drover; `drover completion bash` prints it.
_drover() {
  local -a offers
  mapfile -t offers < <(drover complete-words "${COMP_WORDS[@]:1:COMP_CWORD}" 2> /dev/null)
  COMPREPLY=("${offers[@]%%$'\t'*}")
}
# Where drover has nothing to offer a file is wanted.
complete -o default -F _drover drover
)sh";

constexpr const char* zsh_script = R"sh(#compdef drover
# zsh completion of drover; `drover completion zsh` prints it.
_drover() {
  local line
  local -a offers
  for line in "${(@f)$(drover complete-words "${(@)words[2,CURRENT]}" 2> /dev/null)}"; do
    [[ -n "$line" ]] || continue
    line="${line//:/\\:}"
    offers+=("${line/$'\t'/:}")
  done
  if (( ${#offers} )); then
    _describe drover offers
  else
    _files
  fi
}
if [ "${funcstack[1]}" = _drover ]; then
  _drover "$@"
else
  compdef _drover drover
fi
)sh";

constexpr const char* fish_script =
  R"sh(# fish completion of drover; `drover completion fish` prints it.
function __drover_has_offers
    set -l typed (commandline -opc)
    set -l begun (commandline -ct | string collect --allow-empty)
    set -g __drover_offers (drover complete-words $typed[2..] $begun 2> /dev/null)
    test -n "$__drover_offers"
end
# Where drover has nothing to offer a file is wanted.
complete -c drover -n __drover_has_offers -f -a '(printf "%s\n" $__drover_offers)'
)sh";

} // namespace

std::optional<std::string> completion_script(const std::string& shell) {
  if (shell == "bash")
    return bash_script;
  if (shell == "zsh")
    return zsh_script;
  if (shell == "fish")
    return fish_script;
  return std::nullopt;
}

} // namespace drover::cli
