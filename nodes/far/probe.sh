# SPDX-License-Identifier: Apache-2.0
# What a far machine is, as NAME=VALUE; one that can't be found out is left out.
say() {
  [ -z "$2" ] || echo "$1=$2"
}
first() {
  "$@" 2>/dev/null </dev/null | sed -n 1p
}
say os "$(uname -s | tr 'A-Z' 'a-z')"
say arch "$(uname -m)"
say kernel "$(uname -r)"
say hostname "$(uname -n)"
if [ -r /etc/os-release ]; then
  say distro "$(. /etc/os-release; echo "$ID${VERSION_ID:+ $VERSION_ID}")"
fi
cores=$(getconf _NPROCESSORS_ONLN 2>/dev/null || sysctl -n hw.ncpu 2>/dev/null)
say cores "$cores"
ram=$(sed -n 's/^MemTotal: *\([0-9]*\) kB/\1/p' /proc/meminfo 2>/dev/null)
[ -z "$ram" ] || say ram "$((ram * 1024))"
mkdir -p "$1" || exit 1
disk=$(df -Pk "$1" 2>/dev/null | sed -n '2s/^[^ ]* *[0-9]* *[0-9]* *\([0-9]*\).*/\1/p')
[ -z "$disk" ] || say disk "$((disk * 1024))"
case $(printf '\1\0' | od -An -tu2 2>/dev/null | tr -d ' ') in
1) say endianness little ;;
256) say endianness big ;;
esac
for program in cc gcc clang gfortran python3 make cmake hg git; do
  command -v "$program" >/dev/null 2>&1 || continue
  version=$(first "$program" --version | sed -n 's/.*[^0-9.]\([0-9][0-9]*\.[0-9][0-9.]*\).*/\1/p')
  say "$program" "${version:-present}"
done
for session in setsid perl python3; do
  command -v "$session" >/dev/null 2>&1 && { say far_session "$session"; break; }
done
say sandbox none
